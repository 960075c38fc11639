/** Longest claimed name, in characters: as long as a user name in a packet can be. */
export const CLAIMED_NAME_MAX_CHARS = 63

/**
 * A user name that a packet merely claims, for logs and environments: who has a key writes any. Letters, digits, `.`, `_`, `@`
 * and `-` stay, which mean nothing to a shell, a terminal or a line of the log; `_` stands for others, and for a `-` in front.
 */
export function claimedName(user: string): string {
  return user
    .slice(0, CLAIMED_NAME_MAX_CHARS)
    .replaceAll(/[^A-Za-z0-9._@-]/g, '_')
    .replace(/^-/, '_')
}
