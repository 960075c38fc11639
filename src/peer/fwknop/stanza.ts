import type { Network } from '../../packet/network.ts'
import type { Hmac, Rijndael } from './packet.ts'
import type { NatTarget, Port } from './request.ts'

/** The keys whose signatures count. If there are fingerprints, only these count. */
export interface GnupgSigners {
  /** The keys of GPG_REMOTE_ID: the last 8, 16 or all 40 hexadecimal digits of fingerprints, in capitals. */
  readonly ids: readonly string[]
  /** The keys of GPG_FINGERPRINT_ID: 16 or 40 hexadecimal digits, in capitals. */
  readonly fingerprints: readonly string[]
}

/** The terms for packets that gpg encrypted. */
export interface GnupgTerms {
  /** The folder of GPG_HOME_DIR, an absolute path. */
  readonly homeDir: string
  /** The server's own key from GPG_DECRYPT_ID, by a name that gpg accepts. */
  readonly decryptId: string | undefined
  /** The passphrase of GPG_DECRYPT_PW; `undefined` if the key has none (GPG_ALLOW_NO_PW). */
  readonly passphrase: Uint8Array | undefined
  /**
   * The keys whose signatures count; `undefined` if no signature is needed (GPG_DISABLE_SIG). The HMAC alone then
   * identifies the sender.
   */
  readonly signers: GnupgSigners | undefined
}

/** The commands of CMD_CYCLE_OPEN and related directives, as words between blanks. See {@link cycleArguments}. */
export interface CommandCycle {
  readonly open: string
  /** The close command; `undefined` for NONE. */
  readonly close: string | undefined
  /**
   * Seconds from the open command to the close command if the client names none; 0 only if there is no close command.
   */
  readonly timerS: number
}

/** The account that commands run as; `undefined` means the daemon's. */
export interface CommandTerms {
  /** The line that sets the account, from 1. */
  readonly line: number
  readonly user: string | undefined
  readonly group: string | undefined
}

/** A place in an access.conf or in a file that it includes. */
export interface Place {
  /** The included file; absent for the access.conf itself. */
  readonly file?: string
  /** The line number, from 1. */
  readonly line: number
}

/** Returns a text that identifies a stanza of an access.conf as long as nobody edits the files. */
export function placeText({ file = '', line }: Place): string {
  return `${file}:${line}`
}

/** A stanza of an access.conf: the packets that it applies to, their keys, and what they may ask for. */
export interface Stanza {
  /** The included file of the stanza; absent for the access.conf itself. */
  readonly file?: string
  /** The line of its SOURCE, from 1. */
  readonly line: number
  /** The files from which its keys are included. */
  readonly keyFiles?: readonly string[]
  /** The networks that packets may come from; empty means any. */
  readonly sources: readonly Network[]
  /** The networks that packets may be sent to; empty means any. */
  readonly destinations: readonly Network[]
  /** The ports that packets may ask for; `undefined` means all ports of the door. */
  readonly openPorts: readonly Port[] | undefined
  /** The ports that packets must not ask for, whatever the other settings. */
  readonly restrictPorts: readonly Port[]
  /** The Rijndael keys. A stanza has this, `gnupg`, or both. */
  readonly rijndael: Rijndael | undefined
  readonly hmac: Hmac | undefined
  readonly gnupg: GnupgTerms | undefined
  /** Seconds that the door stays open if the client names no time. */
  readonly accessTimeoutS: number
  /**
   * The maximum seconds that a client can ask for; `undefined` means the format's maximum. {@link readAccess} always
   * sets it.
   */
  readonly maxTimeoutS: number | undefined
  /** The user names that packets may have; empty means any. */
  readonly requireUsername: readonly string[]
  /** True if packets must name the address to open for. */
  readonly requireSourceAddress: boolean
  /** The time at which the stanza expires, in milliseconds since 1970. */
  readonly expiresMs: number | undefined
  /** The target of all forwarded connections, whatever the packet asks for. */
  readonly forceNat: (NatTarget & { readonly line: number }) | undefined
  /** The terms for commands in packets; `undefined` if packets must not run commands. */
  readonly commands: CommandTerms | undefined
  /** The commands that replace an opening. */
  readonly cycle: CommandCycle | undefined
}
