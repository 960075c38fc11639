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
export const SEQUENCE_PORTS_DEFAULT = { first: 1_024, last: 65_535 }
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
