// SPDX-License-Identifier: MIT
// systemd.h - sockets that were opened for us before we began: as sd_listen_fds(3) has them.
#ifndef WF_NET_SYSTEMD_H
#define WF_NET_SYSTEMD_H

// The next listening socket that the service manager passed to this process under this name; ""
// is any. It is the caller's, non-blocking and closed on exec. Or, with its message, -ENOENT (there
// is none, or none is left), -EINVAL (no stream socket that listens), -EBADF or -ENOTSOCK.
int wf_systemd_take(const char *name);

#endif
