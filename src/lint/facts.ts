import type { Protocol } from '../packet/packet.ts'

/** The properties of a file that the config names. */
export interface FileFacts {
  /** Permission bits, as in `st_mode & 0o7777`; `undefined`: unknown. */
  readonly mode?: number
  /** The content, with one character for each byte. */
  readonly content?: string
  /** The reason why there is no content: lower case, no full stop. */
  readonly failure?: string
  /** True if the only failure is a missing permission to read the file. */
  readonly forbidden?: boolean
}

/** The properties of a program that a command names. */
export interface ProgramFacts {
  /** `absent`: the program does not exist; `barred`: it exists, but cannot be run. */
  readonly state: 'there' | 'absent' | 'barred'
  /** The path of the firewall program that is probably meant. */
  readonly meant?: string
}

/** Facts about the machine that a config's text does not tell. They are asked only for names in the config. */
export interface Facts {
  /** Returns true if a program listens on the port of this machine, and not on loopback alone. */
  readonly listens: (protocol: Protocol, port: number) => boolean
  /** The permission bits of the config itself. */
  readonly mode: number | undefined
  /** Returns the facts of a file of secrets that the config names. */
  readonly file: (path: string) => FileFacts
  /**
   * Returns the facts of a program, by its path or by the name that a shell looks up. Absent if they cannot be known.
   */
  readonly program?: (name: string) => ProgramFacts
}
