import { formatNetwork } from '../packet/network.ts'
import * as bound from './config.ts'
import { readHost, readOneTime, readPorts, readRecipients } from './list.ts'
import { readNetworks, readWidths } from './networks.ts'
import { SERVICES_FORM, formatService, readServices, readTargets } from './service.ts'
import { Directives, row } from '../text/directive.ts'
import type { Entries, Style, Values } from '../text/directive.ts'
import { anyText, joined, mapped, oneOf, wholeNumber } from '../text/read.ts'
import { readTime } from './duration.ts'
import { parseFlags } from './flags.ts'
import { ON_EVENT_FORM, readOnEvent } from './on-event.ts'
import { parseSequence } from './sequence.ts'
import * as value from './value.ts'

const yesOrNo = mapped(oneOf(['yes', 'no']), (word) => word === 'yes')

/** The directives of `[options]`. */
export const OPTION_DIRECTIVES = {
  useSyslog: row('UseSyslog', undefined, () => ({ value: true })),
  logFile: row('LogFile', '/path/to/file', value.readPath),
  journalFields: row('Journal_Fields', 'yes|no', yesOrNo),
  logFormat: row('LogFormat', 'knockd|json', oneOf(['knockd', 'json'])),
  pidFile: row('PidFile', '/path/to/file', value.readPath),
  interfaces: row('Interface', 'NAME[,NAME]...', value.readInterfaces, { join: joined(String) }),
  stateDir: row('StateDir', '/path/to/folder', value.readAbsolutePath),
  scanPorts: row('Scan_Ports', 'NUMBER', wholeNumber(0, bound.SCAN_PORTS_MAX)),
  scanIgnore: row('Scan_Ignore', 'TIME', readTime(1, bound.SCAN_IGNORE_MAX_MS)),
  guard: row('Guard', SERVICES_FORM, readServices, { join: joined(formatService) }),
  hideWith: row('Hide_With', 'match|reset|drop', oneOf(['match', 'reset', 'drop'])),
  alwaysAllow: row('Always_Allow', 'NETWORK[,NETWORK]...', readNetworks, { join: joined(formatNetwork) }),
  widenLimit: row('Widen_Limit', '/BITS[,/BITS]', readWidths),
  spaKeyFile: row('SPA_Key_File', '/path/to/file', value.readAbsolutePath),
  controlGroup: row('Control_Group', 'GROUP', value.readName),
  user: row('User', 'NAME', value.readUser),
  startHook: row('Start_Hook', 'COMMAND', anyText),
  stopHook: row('Stop_Hook', 'COMMAND', anyText),
  onEvent: row(
    'On_Event',
    ON_EVENT_FORM,
    mapped(readOnEvent, (one) => [one]),
    {
      join: (before, more) => [...before, ...more],
    },
  ),
  hooksAsRoot: row('Hooks_As_Root', 'yes|no', yesOrNo),
  fleet: row('Fleet', '/path/to/file', value.readAbsolutePath),
} as const

/** The directives of a door. */
export const DOOR_DIRECTIVES = {
  sequence: row('Sequence', 'PORT[:PROTOCOL][,PORT[:PROTOCOL]]...', parseSequence),
  oneTime: row('One_Time_Sequences', '/path/to/file|generate', readOneTime),
  lowWater: row('Low_Water', 'NUMBER', wholeNumber(0, bound.SEQUENCE_COUNT_MAX)),
  listCount: row('Sequence_Count', 'NUMBER', wholeNumber(1, bound.SEQUENCE_COUNT_MAX)),
  listLength: row('Sequence_Length', 'NUMBER', wholeNumber(bound.SEQUENCE_LENGTH_MIN, bound.SEQUENCE_LENGTH_MAX)),
  listPorts: row('Sequence_Ports', 'FIRST-LAST', readPorts),
  publishTo: row('Publish_To', '/path/to/folder', value.readAbsolutePath),
  publishFor: row('Publish_For', 'age1...|/path/to/key.asc[,...]', readRecipients, { join: joined(String) }),
  publishPassphrase: row('Publish_Passphrase_File', '/path/to/file', value.readAbsolutePath),
  publishHost: row('Publish_Host', 'HOST', readHost),
  publishOverlap: row('Publish_Overlap', 'TIME', readTime(0, bound.PUBLISH_OVERLAP_MAX_MS)),
  totp: row('TOTP_Secret_File', '/path/to/file', value.readPath),
  skew: row('TOTP_Skew', 'PERIODS', wholeNumber(0, bound.TOTP_SKEW_MAX)),
  users: row('Users', '/path/to/file', value.readPath),
  spa: row('SPA', 'postern|fwknop|knockknock', oneOf(['postern', 'fwknop', 'knockknock'])),
  spaUsers: row('SPA_Users', '/path/to/file', value.readAbsolutePath),
  accessFile: row('Access_File', '/path/to/file', value.readAbsolutePath),
  fwknopKeys: row('Fwknop_Keys', '/path/to/file', value.readAbsolutePath),
  profiles: row('Profiles', '/path/to/folder', value.readAbsolutePath),
  spaMaxAge: row('SPA_Max_Age', 'TIME', readTime(0, bound.SPA_MAX_AGE_MAX_MS)),
  seqTimeout: row('Seq_Timeout', 'TIME', readTime(1, bound.SEQ_TIMEOUT_MAX_MS), { aliases: ['Timeout'] }),
  tcpFlags: row('TCPFlags', 'FLAG[,FLAG]...', parseFlags),
  target: row('Target', 'ADDRESS', value.readTarget),
  opens: row('Open_Ports', SERVICES_FORM, readServices, { join: joined(formatService) }),
  forwardTo: row('Forward_To', SERVICES_FORM, readTargets, { join: joined(formatService) }),
  allowFrom: row('Allow_From', 'NETWORK[,NETWORK]...', readNetworks, { join: joined(formatNetwork) }),
  widen: row('Widen', '/BITS[,/BITS]', readWidths),
  extend: row('Extend_While_Connected', 'yes|no', oneOf(['yes', 'no'])),
  start4: row('Start_Command', 'COMMAND', anyText, { aliases: ['Command'], mayBeEmpty: true }),
  start6: row('Start_Command_6', 'COMMAND', anyText, { aliases: ['Command_6'], mayBeEmpty: true }),
  cmdTimeout: row('Cmd_Timeout', 'TIME', readTime(0, bound.CMD_TIMEOUT_MAX_MS), { aliases: ['Open_For'] }),
  stop4: row('Stop_Command', 'COMMAND', anyText, { mayBeEmpty: true }),
  stop6: row('Stop_Command_6', 'COMMAND', anyText, { mayBeEmpty: true }),
  scope: row('Scope', 'host|fleet', oneOf(['host', 'fleet'])),
  opensOn: row('Opens_On', 'here|GROUP[,GROUP]|all', value.readGroups),
  commandsAsRoot: row('Commands_As_Root', 'yes|no', oneOf(['yes', 'no'])),
  // Metalcape's branch of knockd, in images of game servers, also calls it Seq_Cooldown.
  cooldown: row('Cooldown', 'TIME', readTime(0, bound.COOLDOWN_MAX_MS), { aliases: ['Seq_Cooldown'] }),
} as const

/** The rules of knockd.conf(5) for its directives. */
const STYLE: Style = {
  noun: 'directive',
  normal: (name) => name.toLowerCase(),
  between: ' = ',
  twice: { severity: 'warning', hint: 'the last one counts: take the other one out' },
}

export const OPTIONS: Directives<typeof OPTION_DIRECTIVES> = new Directives(OPTION_DIRECTIVES, {
  ...STYLE,
  elsewhere: (name) => (DOORS.find(name) === undefined ? undefined : 'it belongs in the section of a door'),
})
export const DOORS: Directives<typeof DOOR_DIRECTIVES> = new Directives(DOOR_DIRECTIVES, {
  ...STYLE,
  elsewhere: (name) => (OPTIONS.find(name) === undefined ? undefined : 'it belongs in the section `[options]`'),
})

export type OptionEntries = Entries<typeof OPTION_DIRECTIVES>
export type DoorValues = Values<typeof DOOR_DIRECTIVES>
export type DoorEntries = Entries<typeof DOOR_DIRECTIVES>
