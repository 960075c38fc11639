import type { Protocol } from '../packet/packet.ts'

/** What the file system says of a file that the config names. */
export interface FileFacts {
  /** Permission bits, as in `st_mode & 0o7777`; `undefined` where they say nothing. */
  readonly mode?: number
  /** Its content with one character for each byte. */
  readonly content?: string
  /** Why there is no content: lower case, no full stop. */
  readonly failure?: string
  /** The failure is only that the one who asks may not read it. */
  readonly forbidden?: boolean
}

/** What is known of a program that a command names. */
export interface ProgramFacts {
  /** `absent`: there is none; `barred`: it is there, and cannot be run. */
  readonly state: 'there' | 'absent' | 'barred'
  /** The path of the firewall's program that is probably meant. */
  readonly meant?: string
}

/** What a config's text does not say about the machine it is for. Asked only for what the config names. */
export interface Facts {
  /** Whether a program of this machine listens on the port, for others than this machine itself. */
  readonly listens: (protocol: Protocol, port: number) => boolean
  /** The config itself: its permission bits. */
  readonly mode: number | undefined
  /** A file of secrets that the config names. */
  readonly file: (path: string) => FileFacts
  /** A program by its path, or by its name as a shell finds it. Absent where that cannot be known. */
  readonly program?: (name: string) => ProgramFacts
}
