/** nft refused or could not be run. `stderr` has its words. */
export class NftError extends Error {
  readonly stderr: string;
  constructor(why: string, stderr: string) {
    super(`nft: ${why}${stderr ? `: ${stderr.slice(0, 2000).trim()}` : ""}`);
    this.name = "NftError";
    this.stderr = stderr;
  }
}
