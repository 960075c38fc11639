/** The maximum length of a claimed name, in characters. It equals that of a user name in a packet. */
export const CLAIMED_NAME_MAX_CHARS = 63

/**
 * Sanitizes the user name in a packet for logs and environments: any holder of a key can write any name. Letters,
 * digits, `.`, `_`, `@` and `-` remain, since they mean nothing to a shell, a terminal or a log line. Other characters
 * and a leading `-` become `_`.
 */
export function claimedName(user: string): string {
  return user
    .slice(0, CLAIMED_NAME_MAX_CHARS)
    .replaceAll(/[^A-Za-z0-9._@-]/g, '_')
    .replace(/^-/, '_')
}
