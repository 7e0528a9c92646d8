/** A program that could not be run, was ended at a limit, or answered with an error. */
export class CommandError extends Error {
  readonly command: string;
  /** What the program said on standard error, its first 64 KiB. */
  readonly stderr: string;
  constructor(command: string, why: string, stderr: string) {
    super(`${command}: ${why}${stderr ? `: ${stderr.slice(0, 2000).trim()}` : ""}`);
    this.name = "CommandError";
    this.command = command;
    this.stderr = stderr;
  }
}
