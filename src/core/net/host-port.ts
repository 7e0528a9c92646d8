/** `10.0.0.1:80`, and `[fd00::1]:80` where the host has colons (Go's net.JoinHostPort). */
export function joinHostPort(host: string, port: string | number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
