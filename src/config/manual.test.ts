// Goal: the manual and the code know the same directives, bounds and defaults, and the examples are usable.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { entriesOf, manualPage } from '../../test/documents/directive-entries.ts'
import * as bounds from './config.ts'
import { DOORS, DOOR_DIRECTIVES, OPTIONS, OPTION_DIRECTIVES } from './directive.ts'
import { PID_FILE_DEFAULT } from '../daemon/pid-file.ts'
import { WIDEN_LIMIT_DEFAULT } from './networks.ts'
import { EVENT_NAMES, ON_EVENT_MAX } from './on-event.ts'
import { OPTIONS_DEFAULT } from './options.ts'
import { STATE_DIR_DEFAULT } from '../state/folder.ts'
import { formatDuration } from './duration.ts'
import { formatFault } from '../text/fault.ts'
import { checkConfig } from '../lint/lint.ts'
import { USED_PERIODS_MAX } from '../secret/used-periods.ts'
import { USERS_MAX, USER_NAME_MAX_CHARS } from './users.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const manual = manualPage('knockd.conf.5')

/** The text under each directive's heading, without macros. */
const entries = entriesOf(manual, /^\.(?:B|BI|BR) "?(\w+)/)

test.each([...Object.values(OPTION_DIRECTIVES), ...Object.values(DOOR_DIRECTIVES)])(
  '$name is documented',
  ({ name, aliases }) => {
    expect([...entries.keys()]).toContain(name)
    for (const alias of aliases) expect(entries.get(name)).toContain(`${alias} is the same`)
  },
)

test('nothing else is documented', () => {
  const known = new Set([...OPTIONS.spellings, ...DOORS.spellings])
  expect([...entries.keys()].filter((name) => name !== '' && !known.has(name))).toEqual([])
})

/** The directives that say what opens a door. Each door needs some of them, so they have no default. */
const NEEDED =
  'Sequence One_Time_Sequences TOTP_Secret_File Users SPA SPA_Users Access_File Fwknop_Keys Profiles'.split(' ')

test.each(
  [...Object.values(OPTION_DIRECTIVES), ...Object.values(DOOR_DIRECTIVES)].filter(({ name }) => !NEEDED.includes(name)),
)('$name: its default is said', ({ name }) => {
  expect(entries.get(name)).toMatch(/\bDefault: \S/)
})

const sorted = (names: readonly (string | undefined)[]): readonly string[] =>
  names.map(String).sort((one, other) => (one < other ? -1 : 1))

/** The directives of knockd 0.8 in lower case (knockd(1) and the strings of Debian's program). */
const KNOCKDS = new Set(
  'usesyslog logfile pidfile interface sequence one_time_sequences seq_timeout tcpflags target cmd_timeout'
    .concat(' start_command start_command_6 stop_command stop_command_6')
    .split(' '),
)

test('directives that knockd does not have are marked as new, here and in differences.md, with where they may be', () => {
  const fresh = [OPTION_DIRECTIVES, DOOR_DIRECTIVES].map((table) =>
    sorted(
      Object.values(table)
        .map(({ name }) => name)
        .filter((name) => !KNOCKDS.has(name.toLowerCase())),
    ),
  )
  const [, options = '', doors = ''] =
    /^knockd 0\.8 has all directives but these\. In the options:\n([^]*?)^In doors:\n([^]*?)^\.PP$/m.exec(manual) ?? []
  expect([options, doors].map((text) => sorted([...text.matchAll(/^\.BR (\w+) /gm)].map(([, name]) => name)))).toEqual(
    fresh,
  )
  const [, table = ''] = /^### New directives\n\n([^]*?)\n\n/m.exec(read('doc/differences.md')) ?? []
  const rows = table.split('\n').slice(2)
  const column = (index: number): readonly string[] =>
    sorted(rows.flatMap((line) => [...line.split('|')[index]!.matchAll(/`(\w+)`/g)].map(([, name]) => name)))
  expect([column(2), column(3)]).toEqual(fresh)
})

test.each([
  ['Scan_Ports', `to ${bounds.SCAN_PORTS_MAX}`],
  ['Scan_Ports', `Default: ${bounds.SCAN_PORTS_DEFAULT}.`],
  ['Scan_Ignore', `to ${formatDuration(bounds.SCAN_IGNORE_MAX_MS)}`],
  ['Scan_Ignore', `Default: ${bounds.SCAN_IGNORE_DEFAULT_MS / 1_000} seconds`],
  ['Seq_Timeout', `to ${formatDuration(bounds.SEQ_TIMEOUT_MAX_MS)}`],
  ['Seq_Timeout', `Default: ${bounds.SEQ_TIMEOUT_DEFAULT_MS / 1_000} seconds`],
  ['Cmd_Timeout', `Default: ${bounds.CMD_TIMEOUT_DEFAULT_MS / 1_000} seconds`],
  ['Cooldown', `to ${formatDuration(bounds.COOLDOWN_MAX_MS)}`],
  ['Sequence', `to ${bounds.SEQUENCE_MAX_KNOCKS} knocks`],
  ['Low_Water', `to ${bounds.SEQUENCE_COUNT_MAX}`],
  ['Low_Water', `Default: ${bounds.LOW_WATER_DEFAULT}.`],
  ['Sequence_Count', `to ${bounds.SEQUENCE_COUNT_MAX}`],
  ['Sequence_Count', `Default: ${bounds.SEQUENCE_COUNT_DEFAULT}.`],
  ['Sequence_Length', `From ${bounds.SEQUENCE_LENGTH_MIN} to ${bounds.SEQUENCE_LENGTH_MAX}`],
  ['Sequence_Length', `Default: ${bounds.SEQUENCE_LENGTH_DEFAULT}.`],
  ['Sequence_Ports', `at least ${bounds.SEQUENCE_PORTS_MIN}`],
  ['Sequence_Ports', `Default: ${bounds.SEQUENCE_PORTS_DEFAULT.first}-${bounds.SEQUENCE_PORTS_DEFAULT.last}.`],
  ['Publish_For', `At most ${bounds.RECIPIENTS_MAX}.`],
  ['Publish_Overlap', `Default: ${bounds.PUBLISH_OVERLAP_DEFAULT_MS / 1_000} seconds`],
  ['TOTP_Skew', `to ${bounds.TOTP_SKEW_MAX}`],
  ['TOTP_Skew', `Default: ${bounds.TOTP_SKEW_DEFAULT}.`],
  ['SPA_Max_Age', `At most ${formatDuration(bounds.SPA_MAX_AGE_MAX_MS)}.`],
  ['SPA_Max_Age', `Default: ${bounds.SPA_MAX_AGE_DEFAULT_MS / 1_000} seconds`],
  ['SPA_Key_File', bounds.SPA_KEY_FILE_DEFAULT],
  ['LogFormat', `Default: ${OPTIONS_DEFAULT.logFormat} `],
  ['Hide_With', `Default: ${OPTIONS_DEFAULT.hideWith} `],
  ['Widen_Limit', `Default: /${WIDEN_LIMIT_DEFAULT[4]}, /${WIDEN_LIMIT_DEFAULT[6]}.`],
  ['StateDir', `Default: ${STATE_DIR_DEFAULT} `],
  ['PidFile', `Default: ${PID_FILE_DEFAULT} `],
  ['Cmd_Timeout', `at most ${formatDuration(bounds.FWKNOP_OPEN_MAX_MS)}`],
  ['Opens_On', `At most ${bounds.GROUPS_MAX} groups, and 30 days.`],
  ['Interface', `at most ${bounds.INTERFACE_NAME_MAX_CHARS} characters`],
])('%s: %s', (name, words) => {
  expect(entries.get(name)).toContain(words)
})

test('the events of On_Event are documented, with their bounds', () => {
  const [, section = ''] = /^\.SH NOTIFICATIONS\n([^]*?)^\.SH/m.exec(manual) ?? []
  const names = [...section.matchAll(/^\.TP\n(.*)$/gm)].flatMap(
    ([, line = '']) => line.match(/(?<=\\fB)[a-z-]+/g) ?? [],
  )
  expect(sorted(names)).toEqual(sorted(EVENT_NAMES))
  expect(entries.get('On_Event')).toContain(`up to ${ON_EVENT_MAX} lines`)
})

test('bounds that belong to no directive are documented', () => {
  expect(manual).toContain(`At most ${USERS_MAX.toLocaleString('en')} users at one door`)
  expect(manual).toContain(`A name has at most ${USER_NAME_MAX_CHARS} characters: letters`)
  expect(manual).toContain(`The last ${USED_PERIODS_MAX} used codes`)
  expect(manual).toContain(`at most ${bounds.DOOR_NAME_MAX_CHARS} characters`)
  expect(manual).toContain(`At most ${bounds.DOORS_MAX.toLocaleString('en')} doors`)
})

test('the examples of the manual are usable', () => {
  const [, examples = ''] = read('man/knockd.conf.5').split('.SH EXAMPLES')
  const configs = [...examples.matchAll(/^\.EX\n([^]*?)^\.EE$/gm)].map(([, text = '']) =>
    text.replace('\\fIports of your own\\fP', '4021,811,3010').replaceAll('\\-', '-').replaceAll('\\(aq', "'"),
  )
  expect(configs).toHaveLength(6)
  for (const text of configs) {
    const { config, faults } = checkConfig(text, 'example')
    expect(
      faults.filter(({ severity }) => severity === 'error'),
      text,
    ).toEqual([])
    expect(config?.doors).toHaveLength(1)
  }
})

test('the example config has one warning: its sequence is published', () => {
  const { config, faults } = checkConfig(read('examples/knockd.conf'), 'example')
  expect(config?.doors).toHaveLength(1)
  expect(faults.map((fault) => formatFault('example', fault))).toEqual([
    'example:26:20: warning: this sequence is published in manuals or guides: it is the first one to be tried\n' +
      '    choose ports of your own, at random',
  ])
})

test('with its other doors, too, the example config has one warning', () => {
  const text = read('examples/knockd.conf')
    .replaceAll(/^# ?(\[.*|\t\w.*=.*)$/gm, '$1')
    .replace('= CHANGE', '= 4021,811,3010')
    .replace('= CHANGE', '= 5021,811,3010')
  const { config, faults } = checkConfig(text, 'example')
  expect(config?.doors.map(({ name }) => name)).toEqual(['ssh', 'ssh-by-command', 'ssh-from-anywhere', 'wake'])
  expect(faults).toHaveLength(1)
})
