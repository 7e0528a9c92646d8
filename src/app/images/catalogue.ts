// The images that Portolan brings along, so that what documentation and tests type works where no registry is.
import type { ImageFile, ImageSpec } from "./spec.ts";

export const pauseImage = "portolan.local/pause:1";

const file = (data: string, mode = 0o644): ImageFile => ({ kind: "file", data, mode });
const directory = (mode = 0o755): ImageFile => ({ kind: "directory", mode });
const symlink = (target: string): ImageFile => ({ kind: "symlink", target });

/** Links that Debian's alternatives would make. */
const alternatives = { "/usr/bin/awk": symlink("mawk") };

const userland = [
  "base-files",
  "bash",
  "ca-certificates",
  "coreutils",
  "curl",
  "dash",
  "diffutils",
  "findutils",
  "grep",
  "gzip",
  "hostname",
  "libc-bin",
  "mawk",
  "sed",
  "tar",
];

const nginxConf = `user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /var/run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    keepalive_timeout  65;

    include /etc/nginx/conf.d/*.conf;
}
`;

const nginxDefaultServer = `server {
    listen       80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
`;

/** Runs what users put into /docker-entrypoint.d, listens on IPv6 where the kernel has it, then becomes the command. */
const nginxEntrypoint = `#!/bin/sh
set -e
if [ "$1" = nginx ] || [ "$1" = nginx-debug ]; then
    conf=/etc/nginx/conf.d/default.conf
    if [ -f /proc/net/if_inet6 ] && [ -w "$conf" ] && ! grep -q 'listen.*\\[::\\]' "$conf"; then
        sed -i 's/^    listen       80;$/    listen       80;\\n    listen  [::]:80;/' "$conf"
    fi
    for script in /docker-entrypoint.d/*.sh; do
        [ -x "$script" ] && "$script"
    done
fi
exec "$@"
`;

const errorPage = `<!DOCTYPE html>
<html>
<head><title>Error</title></head>
<body>
<h1>An error occurred.</h1>
<p>The page you are looking for is currently unavailable. Please try again later.</p>
</body>
</html>
`;

const busyboxLibraries = [
  "ld-linux-x86-64.so.2",
  "ld-linux-aarch64.so.1",
  "libc.so.6",
  "libresolv.so.2",
  "libbsd.so.0",
  "libmd.so.0",
  "libtinfo.so.6",
];

/** Debian's busybox leaves out -z, -v, -u and -s of its nc, which the official image has; OpenBSD's nc lacks -e and -ll. */
const busyboxNc = `#!/bin/sh
for arg; do
  case $arg in
    --) break ;;
    -ll*|-e*|-lle*|-f*) exec busybox nc "$@" ;;
  esac
done
exec nc.openbsd "$@"
`;

/**
 * Debian's ash forgets variables whose names are no identifiers (a ConfigMap's key `data-1`), which the official image's
 * hands on to what it starts, as bash does: where there are any, commands are run by bash. A shell found by PATH calls itself
 * "sh".
 */
const busyboxSh = `#!/usr/bin/bash --posix
name=$0
[ "$name" != /usr/bin/sh ] || name=sh
case $* in
  ""|-i|-l|-il|-li) ;;
  *)
    { mapfile -d "" -t all </proc/self/environ; } 2>/dev/null
    for variable in "\${all[@]%%=*}"; do
      case $variable in
        [0-9]*|*[!A-Za-z0-9_]*) exec -a sh /usr/bin/bash "$@" ;;
      esac
    done ;;
esac
exec -a "$name" busybox "$@"
`;

export const offlineImages: readonly ImageSpec[] = [
  {
    name: pauseImage,
    packages: ["catatonit"],
    only: ["/usr/bin/catatonit"],
    files: { "/pause": symlink("usr/bin/catatonit") },
    config: { Entrypoint: ["/pause", "-P"], WorkingDir: "/" },
  },
  {
    // The dynamic busybox: Debian's static one crashes in getaddrinfo, so wget could not resolve a name.
    name: "docker.io/library/busybox:latest",
    packages: ["bash", "busybox", "libc6", "netcat-openbsd"],
    without: ["base-files", "debianutils", "libgcc-s1"],
    only: [
      "/usr/bin/bash",
      "/usr/bin/busybox",
      "/usr/bin/nc.openbsd",
      "/usr/lib64",
      ...["x86_64", "aarch64"].flatMap((arch) =>
        busyboxLibraries.map((lib) => `/usr/lib/${arch}-linux-gnu/${lib}`),
      ),
      "/usr/lib/ld-linux-aarch64.so.1",
    ],
    busybox: { binary: "/usr/bin/busybox", linkDirectory: "/usr/bin" },
    files: {
      "/home": directory(),
      "/usr/bin/nc": file(busyboxNc, 0o755),
      "/usr/bin/sh": file(busyboxSh, 0o755),
    },
    config: { Cmd: ["sh"], WorkingDir: "/" },
  },
  {
    name: "docker.io/library/nginx:latest",
    users: [{ name: "nginx", uid: 101 }],
    packages: [...userland, "nginx"],
    without: ["iproute2", "libbpf0", "libelf1"],
    files: {
      ...alternatives,
      "/etc/nginx/nginx.conf": file(nginxConf),
      "/etc/nginx/conf.d/default.conf": file(nginxDefaultServer),
      "/usr/share/nginx/html/50x.html": file(errorPage),
      "/docker-entrypoint.sh": file(nginxEntrypoint, 0o755),
      "/docker-entrypoint.d": directory(),
      "/var/log/nginx/access.log": symlink("/dev/stdout"),
      "/var/log/nginx/error.log": symlink("/dev/stderr"),
      "/var/run": symlink("../run"),
      "/var/lib/nginx": directory(),
      "/var/cache/nginx": directory(),
    },
    config: {
      Entrypoint: ["/docker-entrypoint.sh"],
      Cmd: ["nginx", "-g", "daemon off;"],
      WorkingDir: "/",
      StopSignal: "SIGQUIT",
      ExposedPorts: { "80/tcp": {} },
    },
  },
  {
    name: "portolan.local/toolbox:latest",
    packages: [
      ...userland,
      "bind9-dnsutils",
      "busybox",
      "conntrack",
      "iperf3",
      "iproute2",
      "iputils-ping",
      "netcat-openbsd",
      "procps",
      "socat",
      "tcpdump",
    ],
    busybox: { binary: "/usr/bin/busybox", linkDirectory: "/usr/bin" },
    files: {
      ...alternatives,
      "/home": directory(),
      "/var/run": symlink("../run"),
      "/usr/bin/nc": symlink("nc.openbsd"),
    },
    config: { Cmd: ["bash"], WorkingDir: "/" },
  },
];
