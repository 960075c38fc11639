/** The maximum size of an order, in bytes: the longest list, and its recipients. */
export const ORDER_MAX_BYTES = 1_048_576

/** The order to a publisher, which is JSON on its standard input. */
export interface Order {
  /** The process that gave the order. If it has ended, its list is outdated. */
  readonly pid: number
  /** The plain text of the list. */
  readonly text: string
  readonly door: string
  readonly folder: string
  /** The name of the files without their suffixes. */
  readonly name: string
  /** The age recipients. */
  readonly age: readonly string[]
  readonly passphraseFile: string | undefined
  /** The paths of OpenPGP public keys. */
  readonly openPgp: readonly string[]
  /** The host at which the page knocks. */
  readonly host: string | undefined
}

/** The maximum length of a door's name in a file name, in characters. */
const NAME_MAX_CHARS = 48

/**
 * Returns the file name for a door. Other characters than letters, digits, dots, dashes and underscores become a dash.
 *
 * @param print distinguishes doors whose names would become the same
 */
export function fileNameOf(door: string, print: (text: string) => string): string {
  const plain = door
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, NAME_MAX_CHARS)
  return plain === door ? plain : `${plain}${plain === '' ? '' : '-'}${print(door)}`
}
