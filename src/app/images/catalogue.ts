// The images that Portolan brings along, so that what documentation and tests type works where no registry is.
import type { ImageFile, ImageSpec } from "./spec.ts";

export const pauseImage = "portolan.local/pause:1";

/** Packages that only serve the installation of others. */
const installers = [
  "adduser",
  "debconf",
  "debconf-2.0",
  "debianutils",
  "dpkg",
  "gcc-12-base",
  "init-system-helpers",
  "install-info",
  "lsb-base",
  "openssl",
  "passwd",
  "perl",
  "perl-base",
  "sensible-utils",
  "systemd",
  "sysvinit-utils",
  "ucf",
];

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const file = (data: string, mode = 0o644): ImageFile => ({ kind: "file", data, mode });
const directory = (mode = 0o755): ImageFile => ({ kind: "directory", mode });
const symlink = (target: string): ImageFile => ({ kind: "symlink", target });

const accounts = (more: { passwd?: string; group?: string } = {}): Record<string, ImageFile> => ({
  "/etc/passwd": file(
    `root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\n${more.passwd ?? ""}nobody:x:65534:65534:nobody:/home:/bin/false\n`,
  ),
  "/etc/group": file(`root:x:0:\ndaemon:x:1:\nwww-data:x:33:\n${more.group ?? ""}nobody:x:65534:\n`),
  "/etc/nsswitch.conf": file("passwd: files\ngroup: files\nhosts: files dns\n"),
  "/tmp": directory(0o1777),
  "/var/tmp": directory(0o1777),
  "/root": directory(0o700),
  "/run": directory(),
  "/proc": directory(),
  "/sys": directory(),
  "/dev": directory(),
});

/** /bin and the others as an installed Debian has them. */
const mergedUsr: Record<string, ImageFile> = {
  "/bin": symlink("usr/bin"),
  "/sbin": symlink("usr/sbin"),
  "/lib": symlink("usr/lib"),
  "/lib64": symlink("usr/lib64"),
};

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

export const offlineImages: readonly ImageSpec[] = [
  {
    name: pauseImage,
    packages: ["catatonit"],
    without: installers,
    only: ["/usr/bin/catatonit"],
    files: { "/pause": symlink("usr/bin/catatonit") },
    config: { Entrypoint: ["/pause", "-P"], Env: [path], WorkingDir: "/" },
  },
  {
    // The dynamic busybox: Debian's static one crashes in getaddrinfo, so wget could not resolve a name.
    name: "docker.io/library/busybox:latest",
    packages: ["busybox", "libc6", "netcat-openbsd"],
    without: [...installers, "libgcc-s1"],
    only: [
      "/usr/bin/busybox",
      "/usr/bin/nc.openbsd",
      "/usr/lib64",
      ...["x86_64", "aarch64"].flatMap((arch) =>
        busyboxLibraries.map((lib) => `/usr/lib/${arch}-linux-gnu/${lib}`),
      ),
      "/usr/lib/ld-linux-aarch64.so.1",
    ],
    busybox: { binary: "/usr/bin/busybox", linkDirectory: "/usr/bin" },
    files: { ...mergedUsr, ...accounts(), "/home": directory(), "/usr/bin/nc": file(busyboxNc, 0o755) },
    config: { Cmd: ["sh"], Env: [path], WorkingDir: "/" },
  },
  {
    name: "docker.io/library/nginx:latest",
    packages: [...userland, "nginx"],
    without: [...installers, "iproute2", "libbpf0", "libelf1"],
    files: {
      ...mergedUsr,
      ...accounts({
        passwd: "nginx:x:101:101:nginx user:/nonexistent:/bin/false\n",
        group: "nginx:x:101:\n",
      }),
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
      Env: [path],
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
    without: installers,
    busybox: { binary: "/usr/bin/busybox", linkDirectory: "/usr/bin" },
    files: {
      ...mergedUsr,
      ...accounts(),
      ...alternatives,
      "/home": directory(),
      "/var/run": symlink("../run"),
      "/usr/bin/nc": symlink("nc.openbsd"),
    },
    config: { Cmd: ["bash"], Env: [path], WorkingDir: "/" },
  },
];
