/**
 * What node processes are started with. The pauses of a node's slowest DNS answers are collections of the young generation, in
 * which each message that came is taken apart: the bigger it is, the longer. 4 MB are 0.5 to 1.5 ms, V8's own limit of 16 MB up
 * to 4 ms, and the proxy's work on 44,000 Services takes no longer with it, and 50 MB less.
 */
export const nodeFlags: readonly string[] = ["--max-semi-space-size=4"];
