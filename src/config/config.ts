import type { Address, Family } from '../packet/address.ts'
import type { Network } from '../packet/network.ts'
import type { ICMP, Protocol } from '../packet/packet.ts'
import type { DoorEntries, OptionEntries } from './directive.ts'
import type { OnEvent } from './on-event.ts'
import type { Fault } from '../text/fault.ts'

/** Most knocks in a sequence (knockd's own limit). */
export const SEQUENCE_MAX_KNOCKS = 32
/** Most bytes of payload in a datagram or an echo request: 65,535 less the headers of IPv4 and of either (RFC 791). */
export const KNOCK_MAX_BYTES = 65_507
/** Default of Seq_Timeout in milliseconds (knockd: 25 s). */
export const SEQ_TIMEOUT_DEFAULT_MS = 25_000
/** Default of Cmd_Timeout, the time between start and stop command, in milliseconds (knockd: 10 s). */
export const CMD_TIMEOUT_DEFAULT_MS = 10_000
/** Longest Seq_Timeout: a day, in milliseconds. */
export const SEQ_TIMEOUT_MAX_MS = 86_400_000
/** Longest Cmd_Timeout: ten years, in milliseconds. */
export const CMD_TIMEOUT_MAX_MS = 10 * 365 * 86_400_000
/** Default of Scan_Ports: distinct wrong ports that make a source a scanner. */
export const SCAN_PORTS_DEFAULT = 5
/** Highest Scan_Ports. The sketch that counts the ports has 32 bits. */
export const SCAN_PORTS_MAX = 32
/**
 * The number of strays (packets to other ports) that an attempt may have for each knock after its first. With three
 * knocks, a scan of a thousand ports in random order opens the door once in 1,700 scans. 10 strays a second leave 1.6 s
 * from knock to knock.
 */
export const STRAYS_PER_KNOCK = 16
/** Default of Scan_Ignore: milliseconds that a scanner is ignored for. */
export const SCAN_IGNORE_DEFAULT_MS = 60_000
/** Longest Scan_Ignore: a day, in milliseconds. */
export const SCAN_IGNORE_MAX_MS = 86_400_000
/** Longest Cooldown: a day, in milliseconds. */
export const COOLDOWN_MAX_MS = 86_400_000
/** Default of TOTP_Skew: neighbouring periods whose codes count (RFC 6238, 5.2 recommends one). */
export const TOTP_SKEW_DEFAULT = 1
/** Highest TOTP_Skew. It makes 21 codes valid at a time. */
export const TOTP_SKEW_MAX = 10
/** Default of Sequence_Count: sequences in a list that the daemon makes. */
export const SEQUENCE_COUNT_DEFAULT = 20
export const SEQUENCE_COUNT_MAX = 1_000
/**
 * Default of Sequence_Length: knocks in a sequence that the daemon makes. There are more than 2^60 sequences of four.
 */
export const SEQUENCE_LENGTH_DEFAULT = 4
export const SEQUENCE_LENGTH_MIN = 3
export const SEQUENCE_LENGTH_MAX = 16
/** Default of Sequence_Ports, for sequences that the daemon makes. It has no privileged ports. */
export const SEQUENCE_PORTS_DEFAULT = { first: 1_024, last: 65_535 } as const
/** Fewest ports in Sequence_Ports. */
export const SEQUENCE_PORTS_MIN = 1_000
/** Default of Low_Water: the daemon warns when a list has this many sequences left. */
export const LOW_WATER_DEFAULT = 3
/** Default of Publish_Overlap: milliseconds that a published list stays valid after it was replaced. */
export const PUBLISH_OVERLAP_DEFAULT_MS = 600_000
/** Longest Publish_Overlap: thirty days, in milliseconds. */
export const PUBLISH_OVERLAP_MAX_MS = 30 * 86_400_000
/** Most recipients of a published list. */
export const RECIPIENTS_MAX = 64
/** Default of SPA_Max_Age, as in fwknopd: milliseconds between a packet's time and this clock. */
export const SPA_MAX_AGE_DEFAULT_MS = 120_000
/** Longest SPA_Max_Age: a day, in milliseconds. */
export const SPA_MAX_AGE_MAX_MS = 86_400_000
/**
 * Longest time in milliseconds that fwknop's packets open a door without Open_For. fwknop's format cannot express more.
 */
export const FWKNOP_OPEN_MAX_MS = 86_400_000
/** Default of SPA_Key_File: the server's secret key. */
export const SPA_KEY_FILE_DEFAULT = '/etc/postern/server.key'
/** Most groups in Opens_On. */
export const GROUPS_MAX = 64
/** The name of all hosts of a fleet in Opens_On. */
export const ALL_HOSTS = 'all'
/** Largest config file, in bytes. It has room for {@link DOORS_MAX} doors of the usual size. */
export const CONFIG_MAX_BYTES = 32 * 1_048_576
/** Most doors in a config. */
export const DOORS_MAX = 100_000
/** Longest name of a door, in UTF-16 units. The name is part of every log line. */
export const DOOR_NAME_MAX_CHARS = 127
/** Longest name of an interface, in characters: IFNAMSIZ less the closing NUL (Linux and the BSDs, `<net/if.h>`). */
export const INTERFACE_NAME_MAX_CHARS = 15

/** A packet that is part of a sequence. */
export type Knock = PortKnock | EchoKnock

/** A packet to a port. */
export interface PortKnock {
  readonly protocol: Protocol
  /** 1 to 65535. */
  readonly port: number
  /** The payload of a datagram, in bytes up to {@link KNOCK_MAX_BYTES}; absent: any. TCP knocks have none. */
  readonly size?: number | undefined
}

/** An ICMP or ICMPv6 echo request, as ping(8) sends it. */
export interface EchoKnock {
  readonly protocol: typeof ICMP
  readonly port: 0
  /** Bytes of payload, behind the header, up to {@link KNOCK_MAX_BYTES}. */
  readonly size: number
}

/** The TCP packets that count as knocks: `(flags & mask) === want`. */
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
  /** The host behind this one that has the ports; `undefined`: this host, at any of its addresses. */
  readonly host: Address | undefined
}

/** The secret that opens a door. `secret.ts` has the questions that others ask of one. */
export type SecretConfig =
  | { readonly kind: 'sequence'; readonly knocks: readonly Knock[] }
  /** `path` is a file of sequences, one a line. Each can be used once. */
  | { readonly kind: 'one-time'; readonly path: string; readonly lowWater: number }
  /** One-time sequences in a list that the daemon makes. */
  | { readonly kind: 'generated'; readonly lowWater: number; readonly list: ListTerms }
  /** `path` is a file with the secret of time-based codes. */
  | { readonly kind: 'totp'; readonly path: string; readonly code: CodeTerms }
  /** `path` is a file of users, each with a secret of their own. */
  | { readonly kind: 'users'; readonly path: string; readonly code: CodeTerms }
  /** `path` names the permitted senders: a file of users, of stanzas or of keys, or a folder of profiles. */
  | {
      readonly kind: 'spa'
      readonly protocol: SpaProtocol
      readonly path: string
      readonly maxAgeMs: number | undefined
    }

/** A protocol whose single packets open a door. `fwknop-keys`: fwknop's, where the file has only keys. */
export type SpaProtocol = 'postern' | 'fwknop' | 'fwknop-keys' | 'knockknock'

/** The rules for accepting time-based codes. */
export interface CodeTerms {
  /** Knocks that come before those of the code; may be empty. */
  readonly before: readonly Knock[]
  /** Number of periods before and after the present one whose codes count too. */
  readonly skew: number
}

/** The properties of a list of one-time sequences that the daemon makes. */
export interface ListTerms {
  /** Sequences in a full list. */
  readonly count: number
  /** Knocks in a sequence. */
  readonly length: number
  readonly ports: { readonly first: number; readonly last: number }
  readonly publish: PublishTerms | undefined
}

/** The place where a list is published, and its recipients. */
export interface PublishTerms {
  readonly folder: string
  /** age recipients (`age1…`), and paths of OpenPGP public keys. */
  readonly recipients: readonly string[]
  /** A file whose first line is a passphrase, in place of age recipients. */
  readonly passphraseFile: string | undefined
  /** The host that the page beside the list knocks at; `undefined`: the page only shows the ports. */
  readonly host: string | undefined
  /** Milliseconds that a list stays valid after another has replaced it. */
  readonly overlapMs: number
}

/** The commands of one address family; `undefined`: no command. */
export interface Commands {
  readonly start: string | undefined
  readonly stop: string | undefined
}

/** Prefix lengths for both families. */
export type Widths = Readonly<Record<Family, number>>

/** One section of the config: a secret, and the action that the secret starts. */
export interface Door {
  readonly name: string
  /** Line of its `[name]` in the config file, from 1. */
  readonly line: number
  readonly secret: SecretConfig
  readonly seqTimeoutMs: number
  /** `undefined`: any TCP packet without ACK and RST, as at the beginning of a connection. */
  readonly tcpFlags: FlagTest | undefined
  /** Packets to this address count, instead of those to the machine's own addresses. */
  readonly target: Address | undefined
  readonly commands4: Commands
  /** The IPv6 commands. They are copied from `commands4` where the config has none. */
  readonly commands6: Commands
  /** Ports that the guard opens for the knocker. */
  readonly opens: readonly Service[]
  /** The ports that packets may forward connections to; absent: forwarding is not allowed. */
  readonly forwardTo?: readonly Service[]
  /** Networks whose knocks count; empty: all networks. */
  readonly allowFrom: readonly Network[]
  /** The prefix lengths to which an opening of ports widens the knocker's address. */
  readonly widen: Widths
  /** True if ports stay open for as long as the source has a connection to one of them. */
  readonly extendWhileConnected: boolean
  /** Milliseconds that ports are open, or from start to stop command. */
  readonly cmdTimeoutMs: number
  /** Milliseconds in which a door without stop command runs at most once for a source; 0: no limit. */
  readonly cooldownMs: number
  /** `fleet`: its secrets are used up once for all hosts of the fleet; absent: for this host alone. */
  readonly scope?: 'fleet'
  /** The groups of the fleet whose hosts open their door of this name too, or {@link ALL_HOSTS}; absent: none. */
  readonly opensOn?: readonly string[]
  /** True if the door's commands, and those of its packets, need root; absent: they run as the daemon's `User`. */
  readonly commandsAsRoot?: true
}

/** The `[options]` section. */
export interface Options {
  readonly useSyslog: boolean
  readonly logFile: string | undefined
  /** True if lines of syslog have fields in systemd's journal; `undefined`: unless a syslog daemon gets them from it. */
  readonly journalFields: boolean | undefined
  readonly logFormat: 'knockd' | 'json'
  readonly pidFile: string | undefined
  /** Empty: `eth0` if it exists, else the interface of the default route. `any`: all interfaces. */
  readonly interfaces: readonly string[]
  /** Folder for the state that must survive a crash. */
  readonly stateDir: string | undefined
  /** Distinct wrong ports that make a source a scanner; 0 switches the scan guard off. */
  readonly scanPorts: number
  /** Milliseconds that a scanner is ignored for. */
  readonly scanIgnoreMs: number
  /** Ports that are hidden in addition to those that doors open. */
  readonly guard: readonly Service[]
  /** The answer of a guarded port to other sources: like the machine's closed ports, a reset, or nothing. */
  readonly hideWith: 'match' | 'reset' | 'drop'
  /** Networks that reach guarded ports without knocking. */
  readonly alwaysAllow: readonly Network[]
  /** File of the server's secret key, for single packets of Postern's protocol. */
  readonly spaKeyFile: string
  /** A group that may use the control socket, in addition to root. */
  readonly controlGroup: string | undefined
  /** The user that the daemon runs as; `undefined`: the one that starts it. */
  readonly user: string | undefined
  /** Commands that run once when the daemon listens, and once when it ends. */
  readonly startHook: string | undefined
  readonly stopHook: string | undefined
  /** Commands that are told of events. */
  readonly onEvent: readonly OnEvent[]
  /** True if the hooks and the commands of events need root. */
  readonly hooksAsRoot: boolean
  /** The file with this host's place in a fleet; `undefined`: it is in none. */
  readonly fleet: string | undefined
}

/** The places of a door's header and directives. `Door.line` is the line of the header. */
export interface DoorPlaces {
  /** Column of the header's `[`, from 1. */
  readonly column: number
  /** The lines of the directives, those with an invalid value included. */
  readonly entries: DoorEntries
}

/** The places of everything in a config. */
export interface ConfigPlaces {
  readonly options: OptionEntries
  readonly doors: ReadonlyMap<Door, DoorPlaces>
}

/** A checked config. */
export interface Config {
  readonly file: string
  readonly options: Options
  readonly doors: readonly Door[]
  readonly places: ConfigPlaces
}

/** The result of reading a config. `config` is absent if any fault is an error. */
export interface Reading {
  readonly config: Config | undefined
  readonly faults: readonly Fault[]
}
