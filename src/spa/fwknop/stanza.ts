import type { Network } from '../../packet/network.ts'
import type { Hmac, Rijndael } from './packet.ts'
import type { NatTarget, Port } from './request.ts'

/** Whose signatures count. Where fingerprints are named, nothing but them does. */
export interface GnupgSigners {
  /** GPG_REMOTE_ID: the last 8, 16 or all 40 hexadecimal digits of fingerprints, in capitals. */
  readonly ids: readonly string[]
  /** GPG_FINGERPRINT_ID: 16 or 40 of them. */
  readonly fingerprints: readonly string[]
}

/** How packets that gpg encrypted are taken. */
export interface GnupgTerms {
  /** GPG_HOME_DIR: an absolute path. */
  readonly homeDir: string
  /** GPG_DECRYPT_ID: the server's own key, as gpg takes names of keys. */
  readonly decryptId: string | undefined
  /** GPG_DECRYPT_PW; `undefined`: the key has none (GPG_ALLOW_NO_PW). */
  readonly passphrase: Uint8Array | undefined
  /** `undefined`: no signature is asked for (GPG_DISABLE_SIG), and the HMAC alone tells who it was. */
  readonly signers: GnupgSigners | undefined
}

/** What CMD_CYCLE_OPEN and its like say. The commands are words between blanks: see {@link cycleArguments}. */
export interface CommandCycle {
  readonly open: string
  /** `undefined`: NONE. */
  readonly close: string | undefined
  /** Seconds from the one to the other, where the client does not say; 0 only where there is nothing to close. */
  readonly timerS: number
}

/** Whom commands run as; `undefined`: as the daemon does. */
export interface CommandTerms {
  /** Line that says so, from 1. */
  readonly line: number
  readonly user: string | undefined
  readonly group: string | undefined
}

/** Where something stands in an access.conf or a file that it includes. */
export interface Place {
  /** Absent: in the access.conf itself. */
  readonly file?: string
  /** From 1. */
  readonly line: number
}

/** Tells a stanza from the others of the same access.conf, as long as nobody edits the files. */
export function placeText({ file = '', line }: Place): string {
  return `${file}:${line}`
}

/** A stanza of an access.conf: whose packets count, the keys that open them, and what they may ask for. */
export interface Stanza {
  /** The included file that it stands in; absent: the access.conf itself. */
  readonly file?: string
  /** Line of its SOURCE, from 1. */
  readonly line: number
  /** Files that its keys are included from. */
  readonly keyFiles?: readonly string[]
  /** Where packets may come from; empty: from anywhere. */
  readonly sources: readonly Network[]
  /** Which address they may be sent to; empty: any. */
  readonly destinations: readonly Network[]
  /** What may be asked for; `undefined`: whatever the door has. */
  readonly openPorts: readonly Port[] | undefined
  /** What may not, whatever else is said. */
  readonly restrictPorts: readonly Port[]
  /** One of this and `gnupg` is there, or both. */
  readonly rijndael: Rijndael | undefined
  readonly hmac: Hmac | undefined
  readonly gnupg: GnupgTerms | undefined
  /** Seconds it is open for, where the client does not say. */
  readonly accessTimeoutS: number
  /** Most seconds a client can ask for; `undefined`: whatever the format can say. {@link readAccess} sets one always. */
  readonly maxTimeoutS: number | undefined
  /** User names that packets may have; empty: any. */
  readonly requireUsername: readonly string[]
  /** Whether packets have to name the address they want it opened for. */
  readonly requireSourceAddress: boolean
  /** The first millisecond since 1970 that is too late. */
  readonly expiresMs: number | undefined
  /** Where connections are sent on to, whatever the packet says. */
  readonly forceNat: (NatTarget & { readonly line: number }) | undefined
  /** `undefined`: packets cannot have commands run. */
  readonly commands: CommandTerms | undefined
  /** Commands in place of an opening. */
  readonly cycle: CommandCycle | undefined
}
