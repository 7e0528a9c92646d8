// Durations as Go prints them (time.Duration.String), for messages that carry one: `10s`, `1m20s`, `1.5s`, `850ms`.

export function goDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const h = Math.floor(milliseconds / 3_600_000);
  const m = Math.floor((milliseconds % 3_600_000) / 60_000);
  const s = (milliseconds % 60_000) / 1000;
  const seconds = `${Number(s.toFixed(3))}s`;
  if (h > 0) return `${h}h${m}m${seconds}`;
  return m > 0 ? `${m}m${seconds}` : seconds;
}
