import * as bound from './config.ts'
import { joinRecipients, readHost, readOneTime, readPorts, readRecipients } from './list.ts'
import { joinNetworks, readNetworks, readWidths } from './networks.ts'
import { SERVICES_FORM, joinServices, readServices, readTargets } from './service.ts'
import * as value from './value.ts'
import type { Read } from './value.ts'

/** One directive: a row of the tables below. */
export interface Directive<T> {
  /** The name as knockd.conf(5) spells it; case does not count. */
  readonly name: string
  /** The form of the value, for hints; `undefined`: the directive takes no value. */
  readonly form: string | undefined
  readonly read: Read<T>
  readonly aliases: readonly string[]
  /** Combines the values of several lines. Absent: the last line counts. */
  readonly join?: (before: T, more: T) => T
  /** True if an empty value is allowed. */
  readonly mayBeEmpty: boolean
}

/** The directives of one kind of section, by their names in the code. */
// oxlint-disable-next-line typescript/no-explicit-any -- a table holds rows of every type
export type Table = Readonly<Record<string, Directive<any>>>

/** The values of a section's directives. A directive that is missing or invalid is absent. */
export type Values<T extends Table> = { [K in keyof T]?: T[K] extends Directive<infer V> ? V : never }

/** The directives of `[options]`. */
export const OPTION_DIRECTIVES = {
  useSyslog: row('UseSyslog', undefined, () => true),
  logFile: row('LogFile', '/path/to/file', value.readPath),
  logFormat: row('LogFormat', 'knockd|json', value.oneOf(['knockd', 'json'])),
  pidFile: row('PidFile', '/path/to/file', value.readPath),
  interfaces: row('Interface', 'NAME[,NAME]...', value.readInterfaces, { join: value.joinNames }),
  stateDir: row('StateDir', '/path/to/folder', value.readAbsolutePath),
  scanPorts: row('Scan_Ports', 'NUMBER', value.count(0, bound.SCAN_PORTS_MAX)),
  scanIgnore: row('Scan_Ignore', 'TIME', value.duration(1, bound.SCAN_IGNORE_MAX_MS)),
  guard: row('Guard', SERVICES_FORM, readServices, { join: joinServices }),
  hideWith: row('Hide_With', 'match|reset|drop', value.oneOf(['match', 'reset', 'drop'])),
  alwaysAllow: row('Always_Allow', 'NETWORK[,NETWORK]...', readNetworks, { join: joinNetworks }),
  widenLimit: row('Widen_Limit', '/BITS[,/BITS]', readWidths),
  spaKeyFile: row('SPA_Key_File', '/path/to/file', value.readAbsolutePath),
  controlGroup: row('Control_Group', 'GROUP', value.readName),
  startHook: row('Start_Hook', 'COMMAND', value.readCommand),
  stopHook: row('Stop_Hook', 'COMMAND', value.readCommand),
} as const

/** The directives of a door. */
export const DOOR_DIRECTIVES = {
  sequence: row('Sequence', 'PORT[:PROTOCOL][,PORT[:PROTOCOL]]...', value.readSequence),
  oneTime: row('One_Time_Sequences', '/path/to/file|generate', readOneTime),
  lowWater: row('Low_Water', 'NUMBER', value.count(0, bound.SEQUENCE_COUNT_MAX)),
  listCount: row('Sequence_Count', 'NUMBER', value.count(1, bound.SEQUENCE_COUNT_MAX)),
  listLength: row('Sequence_Length', 'NUMBER', value.count(bound.SEQUENCE_LENGTH_MIN, bound.SEQUENCE_LENGTH_MAX)),
  listPorts: row('Sequence_Ports', 'FIRST-LAST', readPorts),
  publishTo: row('Publish_To', '/path/to/folder', value.readAbsolutePath),
  publishFor: row('Publish_For', 'age1...|/path/to/key.asc[,...]', readRecipients, { join: joinRecipients }),
  publishPassphrase: row('Publish_Passphrase_File', '/path/to/file', value.readAbsolutePath),
  publishHost: row('Publish_Host', 'HOST', readHost),
  publishOverlap: row('Publish_Overlap', 'TIME', value.duration(0, bound.PUBLISH_OVERLAP_MAX_MS)),
  totp: row('TOTP_Secret_File', '/path/to/file', value.readPath),
  skew: row('TOTP_Skew', 'PERIODS', value.count(0, bound.TOTP_SKEW_MAX)),
  users: row('Users', '/path/to/file', value.readPath),
  spa: row('SPA', 'postern|fwknop|knockknock', value.oneOf(['postern', 'fwknop', 'knockknock'])),
  spaUsers: row('SPA_Users', '/path/to/file', value.readAbsolutePath),
  accessFile: row('Access_File', '/path/to/file', value.readAbsolutePath),
  fwknopKeys: row('Fwknop_Keys', '/path/to/file', value.readAbsolutePath),
  profiles: row('Profiles', '/path/to/folder', value.readAbsolutePath),
  spaMaxAge: row('SPA_Max_Age', 'TIME', value.duration(0, bound.SPA_MAX_AGE_MAX_MS)),
  seqTimeout: row('Seq_Timeout', 'TIME', value.duration(1, bound.SEQ_TIMEOUT_MAX_MS), { aliases: ['Timeout'] }),
  tcpFlags: row('TCPFlags', 'FLAG[,FLAG]...', value.readFlags),
  target: row('Target', 'ADDRESS', value.readTarget),
  opens: row('Open_Ports', SERVICES_FORM, readServices, { join: joinServices }),
  forwardTo: row('Forward_To', SERVICES_FORM, readTargets, { join: joinServices }),
  allowFrom: row('Allow_From', 'NETWORK[,NETWORK]...', readNetworks, { join: joinNetworks }),
  widen: row('Widen', '/BITS[,/BITS]', readWidths),
  extend: row('Extend_While_Connected', 'yes|no', value.oneOf(['yes', 'no'])),
  start4: row('Start_Command', 'COMMAND', value.readCommand, { aliases: ['Command'], mayBeEmpty: true }),
  start6: row('Start_Command_6', 'COMMAND', value.readCommand, { aliases: ['Command_6'], mayBeEmpty: true }),
  cmdTimeout: row('Cmd_Timeout', 'TIME', value.duration(0, bound.CMD_TIMEOUT_MAX_MS), { aliases: ['Open_For'] }),
  stop4: row('Stop_Command', 'COMMAND', value.readCommand, { mayBeEmpty: true }),
  stop6: row('Stop_Command_6', 'COMMAND', value.readCommand, { mayBeEmpty: true }),
  // Metalcape's branch of knockd, in images of game servers, also calls it Seq_Cooldown.
  cooldown: row('Cooldown', 'TIME', value.duration(0, bound.COOLDOWN_MAX_MS), { aliases: ['Seq_Cooldown'] }),
} as const

function row<T>(
  name: string,
  form: string | undefined,
  read: Read<T>,
  more: Partial<Pick<Directive<T>, 'aliases' | 'join' | 'mayBeEmpty'>> = {},
): Directive<T> {
  return { name, form, read, aliases: [], mayBeEmpty: false, ...more }
}

/** Returns every spelling of the directives in a table, the canonical ones first. */
export function spellings(table: Table): readonly string[] {
  return Object.values(table).flatMap(({ name, aliases }) => [name].concat(aliases))
}
