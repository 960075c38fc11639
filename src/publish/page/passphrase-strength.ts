/** The least length of a passphrase that nothing is said about, in characters. */
export const PASSPHRASE_GOOD_CHARS = 12
/** The longest passphrase, in characters. */
export const PASSPHRASE_MAX_CHARS = 256
/** The fewest different characters in a good passphrase. */
const DIFFERENT_MIN = 6

/** Returns what is weak about a passphrase, for people, in lower case; `undefined`: nothing. It is not quoted. */
export function weaknessOf(passphrase: string): string | undefined {
  const characters = Array.from(passphrase)
  if (characters.length < PASSPHRASE_GOOD_CHARS)
    return `it is short; ${PASSPHRASE_GOOD_CHARS} characters or more are better`
  if (/^[0-9\s.-]+$/.test(passphrase)) return 'it has digits alone; words are better'
  if (new Set(characters).size < DIFFERENT_MIN) return 'it repeats few characters; several words are better'
  return undefined
}
