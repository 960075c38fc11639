/** Longest order that a publisher takes, in bytes: a list of the longest kind, and its recipients. */
export const ORDER_MAX_BYTES = 1_048_576

/** What a publisher is asked to do: JSON on its standard input. */
export interface Order {
  /** Whose order it is: a process that has ended has another list by now, or another daemon has. */
  readonly pid: number
  /** The list in clear. */
  readonly text: string
  readonly door: string
  readonly folder: string
  /** What the files are called, without their ends. */
  readonly name: string
  /** age recipients. */
  readonly age: readonly string[]
  readonly passphraseFile: string | undefined
  /** Paths of OpenPGP public keys. */
  readonly openPgp: readonly string[]
  /** Where the page knocks. */
  readonly host: string | undefined
}

/** Longest name that a file is given after a door, in characters. */
const NAME_MAX_CHARS = 48

/**
 * The name of a door as a file's: what is no letter, digit, dot or dash becomes a dash. `print` tells doors apart whose names
 * come to the same.
 */
export function fileNameOf(door: string, print: (text: string) => string): string {
  const plain = door
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, NAME_MAX_CHARS)
  return plain === door ? plain : `${plain}${plain === '' ? '' : '-'}${print(door)}`
}
