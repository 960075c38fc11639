import type { Address, Family } from '../packet/address.ts'
import type { Network } from '../packet/network.ts'
import type { Protocol } from '../packet/packet.ts'

/** Most knocks in a sequence (knockd's own limit). */
export const SEQUENCE_MAX_KNOCKS = 32
/** Milliseconds a sequence may take where the config is silent (knockd: 25 s). */
export const SEQ_TIMEOUT_DEFAULT_MS = 25_000
/** Milliseconds between start and stop command where the config is silent (knockd: 10 s). */
export const CMD_TIMEOUT_DEFAULT_MS = 10_000
/** Longest Seq_Timeout: a day, in milliseconds. */
export const SEQ_TIMEOUT_MAX_MS = 86_400_000
/** Longest Cmd_Timeout: ten years, in milliseconds. */
export const CMD_TIMEOUT_MAX_MS = 10 * 365 * 86_400_000
/** How many distinct wrong ports make a source a scanner, where the config is silent. */
export const SCAN_PORTS_DEFAULT = 5
/** Highest Scan_Ports: the sketch that counts them has 32 bits. */
export const SCAN_PORTS_MAX = 32
/**
 * Strays, packets to other ports, that an attempt is allowed for each knock after its first. With three knocks a scan of
 * a thousand ports in random order opens once in 1,700; 10 strays a second leave 1.6 s from knock to knock.
 */
export const STRAYS_PER_KNOCK = 16
/** Milliseconds a scanner is ignored for, where the config is silent. */
export const SCAN_IGNORE_DEFAULT_MS = 60_000
/** Longest Scan_Ignore: a day, in milliseconds. */
export const SCAN_IGNORE_MAX_MS = 86_400_000
/** Longest Cooldown: a day, in milliseconds. */
export const COOLDOWN_MAX_MS = 86_400_000
/** Neighbouring periods whose codes count, where the config is silent (RFC 6238, 5.2 recommends one). */
export const TOTP_SKEW_DEFAULT = 1
/** Highest TOTP_Skew: with it 21 codes are good at a time. */
export const TOTP_SKEW_MAX = 10
/** Sequences in a list that the daemon makes, where the config is silent. */
export const SEQUENCE_COUNT_DEFAULT = 20
export const SEQUENCE_COUNT_MAX = 1_000
/** Knocks in a sequence that the daemon makes, where the config is silent: of four there are more than 2^60. */
export const SEQUENCE_LENGTH_DEFAULT = 4
export const SEQUENCE_LENGTH_MIN = 3
export const SEQUENCE_LENGTH_MAX = 16
/** Ports of sequences that the daemon makes, where the config is silent: none that needs privileges. */
export const SEQUENCE_PORTS_DEFAULT = { first: 1_024, last: 65_535 } as const
/** How many ports Sequence_Ports has to have at least. */
export const SEQUENCE_PORTS_MIN = 1_000
/** Sequences left in a list when the daemon warns, where the config is silent. */
export const LOW_WATER_DEFAULT = 3
/** Milliseconds that a published list is good for after it was replaced, where the config is silent. */
export const PUBLISH_OVERLAP_DEFAULT_MS = 600_000
/** Longest Publish_Overlap: thirty days, in milliseconds. */
export const PUBLISH_OVERLAP_MAX_MS = 30 * 86_400_000
/** Most recipients of a published list. */
export const RECIPIENTS_MAX = 64
/** How far a packet's time may be from this clock, where the config is silent: as fwknopd has it, in milliseconds. */
export const SPA_MAX_AGE_DEFAULT_MS = 120_000
/** Longest SPA_Max_Age: a day, in milliseconds. */
export const SPA_MAX_AGE_MAX_MS = 86_400_000
/** How long fwknop's packets can have a door open, where it has no Open_For: longer than its format can say. */
export const FWKNOP_OPEN_MAX_MS = 86_400_000
/** The server's secret key, where the config is silent. */
export const SPA_KEY_FILE_DEFAULT = '/etc/postern/server.key'
/** Largest config file, in bytes: room for {@link DOORS_MAX} doors of the usual size. */
export const CONFIG_MAX_BYTES = 32 * 1_048_576
/** Longest line of a config, in UTF-16 units. A command goes to the shell as one argument, which Linux ends at 128 KiB. */
export const LINE_MAX_CHARS = 16_384
/** Most doors in a config. */
export const DOORS_MAX = 100_000
/** Longest name of a door, in UTF-16 units: it stands in every line of the log. */
export const DOOR_NAME_MAX_CHARS = 127
/** Longest name of an interface, in characters: IFNAMSIZ less the closing NUL (Linux and the BSDs, `<net/if.h>`). */
export const INTERFACE_NAME_MAX_CHARS = 15
/** Most errors, and most warnings, that one reading reports; those beyond are counted. */
export const FAULTS_MAX = 1_000

/** A (protocol, port) hit. */
export interface Knock {
  readonly protocol: Protocol
  /** 1 to 65535. */
  readonly port: number
}

/** Which TCP packets count: `(flags & mask) === want`. */
export interface FlagTest {
  readonly mask: number
  readonly want: number
}

/** Ports that can be hidden, and opened. */
export interface Service {
  readonly protocol: Protocol
  /** 1 to 65535; `last` is not below `first`. */
  readonly first: number
  readonly last: number
  /** The host behind this one that has them; `undefined`: this host itself, at whatever address it is reached. */
  readonly host: Address | undefined
}

/** What must be shown to open a door. */
export type Secret =
  | { readonly kind: 'sequence'; readonly knocks: readonly Knock[] }
  /** `path` is a file of sequences, one a line, each good for one opening. */
  | { readonly kind: 'one-time'; readonly path: string; readonly lowWater: number }
  /** The same, in a list that the daemon makes. */
  | { readonly kind: 'generated'; readonly lowWater: number; readonly list: ListTerms }
  /** `path` is a file with the secret of time-based codes. */
  | { readonly kind: 'totp'; readonly path: string; readonly code: CodeTerms }
  /** `path` is a file of users, each with a secret of their own. */
  | { readonly kind: 'users'; readonly path: string; readonly code: CodeTerms }
  /** `path` says who may send packets: a file of users, of stanzas or of keys, or a folder of profiles. */
  | {
      readonly kind: 'spa'
      readonly protocol: SpaProtocol
      readonly path: string
      readonly maxAgeMs: number | undefined
    }

/** Whose single packets open a door. `fwknop-keys`: fwknop's, where the file has keys alone. */
export type SpaProtocol = 'postern' | 'fwknop' | 'fwknop-keys' | 'knockknock'

/** How time-based codes are taken. */
export interface CodeTerms {
  /** Knocks that come before those of the code; may be empty. */
  readonly before: readonly Knock[]
  /** How many periods before and after the present one count too. */
  readonly skew: number
}

/** What a list of one-time sequences is made like. */
export interface ListTerms {
  /** Sequences in a full list. */
  readonly count: number
  /** Knocks in a sequence. */
  readonly length: number
  readonly ports: { readonly first: number; readonly last: number }
  readonly publish: PublishTerms | undefined
}

/** Where a list is published, and to whom. */
export interface PublishTerms {
  readonly folder: string
  /** age recipients (`age1…`), and paths of OpenPGP public keys. */
  readonly recipients: readonly string[]
  /** A file whose first line is a passphrase, in place of age recipients. */
  readonly passphraseFile: string | undefined
  /** Where the page beside the list knocks; `undefined`: it only shows the ports. */
  readonly host: string | undefined
  /** Milliseconds that a list is still good for after another has taken its place. */
  readonly overlapMs: number
}

/** The commands of one address family; `undefined` does nothing. */
export interface Commands {
  readonly start: string | undefined
  readonly stop: string | undefined
}

/** Prefix lengths for both families. */
export type Widths = Readonly<Record<Family, number>>

/** One section of the config: what opens it, and what opening it does. */
export interface Door {
  readonly name: string
  /** Line of its `[name]` in the config file, from 1. */
  readonly line: number
  readonly secret: Secret
  readonly seqTimeoutMs: number
  /** `undefined`: any TCP packet without ACK and RST, which is how a connection begins. */
  readonly tcpFlags: FlagTest | undefined
  /** Match packets for this address instead of the machine's own. */
  readonly target: Address | undefined
  readonly commands4: Commands
  /** Already filled from `commands4` where the config leaves the IPv6 ones out. */
  readonly commands6: Commands
  /** Ports that the guard opens for the knocker. */
  readonly opens: readonly Service[]
  /** Where packets may have connections to those ports sent on to; absent: nowhere. */
  readonly forwardTo?: readonly Service[]
  /** Whose knocks count; empty: everybody's. */
  readonly allowFrom: readonly Network[]
  /** How much of the knocker's address counts when ports are opened. */
  readonly widen: Widths
  /** Whether ports stay open for as long as the source has a connection to one of them. */
  readonly extendWhileConnected: boolean
  /** Milliseconds that ports are open; milliseconds from start to stop command. */
  readonly cmdTimeoutMs: number
  /** Milliseconds in which a door without stop command runs at most once for a source; 0: every time. */
  readonly cooldownMs: number
}

/** The `[options]` section. */
export interface Options {
  readonly useSyslog: boolean
  readonly logFile: string | undefined
  readonly logFormat: 'knockd' | 'json'
  readonly pidFile: string | undefined
  /** Empty: `eth0` if there is one, else the default route's. `any`: all. */
  readonly interfaces: readonly string[]
  /** Folder for what must survive a crash. */
  readonly stateDir: string | undefined
  /** Distinct wrong ports that make a source a scanner; 0 switches the scan guard off. */
  readonly scanPorts: number
  /** Milliseconds a scanner is ignored for. */
  readonly scanIgnoreMs: number
  /** Ports that are hidden beside those that doors open. */
  readonly guard: readonly Service[]
  /** What a guarded port answers to strangers: as the machine's closed ports do, as a closed port does, or nothing. */
  readonly hideWith: 'match' | 'reset' | 'drop'
  /** Who reaches guarded ports without knocking. */
  readonly alwaysAllow: readonly Network[]
  /** File of the server's secret key, for single packets of our own. */
  readonly spaKeyFile: string
  /** A group that may use the control socket, beside root. */
  readonly controlGroup: string | undefined
  /** Commands run once when the daemon listens, and once when it ends. */
  readonly startHook: string | undefined
  readonly stopHook: string | undefined
}

/** A checked config. */
export interface Config {
  readonly file: string
  readonly options: Options
  readonly doors: readonly Door[]
}

/** One thing wrong with a config, and what would be right. */
export interface Fault {
  /** `error`: the config cannot be used. `warning`: it can, but will bite. */
  readonly severity: 'error' | 'warning'
  /** The file it is in, where that is not the config itself but one that the config names. */
  readonly file?: string
  /** 1-based place of the word at fault; the column counts UTF-16 units, in a one-time file bytes. */
  readonly line: number
  readonly column: number
  /** Lower case, no full stop, no secret. */
  readonly message: string
  /** What would be right, where something can be said. */
  readonly hint?: string
  /** It is about most old configs, and said after all others. */
  readonly last?: true
}

/** What reading a config gives: `config` is absent as soon as one fault is an error. */
export interface Reading {
  readonly config: Config | undefined
  readonly faults: readonly Fault[]
}
