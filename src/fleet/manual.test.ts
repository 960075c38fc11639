// Goal: fleet.conf(5) and the code know the same directives, bounds and defaults, and its example is in order.
import { expect, test } from 'vitest'
import { entriesOf, manualPage } from '../../test/documents/directive-entries.ts'
import { formatDuration } from '../config/duration.ts'
import { ENDPOINTS_MAX } from '../etcd/access.ts'
import {
  CLOCK_SKEW_DEFAULT_MS,
  CLOCK_SKEW_MAX_MS,
  CLOCK_SKEW_MIN_MS,
  DIRECTIVES,
  FLEETS_FOLDER,
  FLEET_FILES,
  FLEET_KEY_BYTES,
  readSettings,
} from './settings.ts'

const manual = manualPage('fleet.conf.5')

/** The text under each directive's heading; its macros gone. */
const entries = new Map([...entriesOf(manual, /^\.BI "(\w+) = /)].filter(([name]) => name !== ''))

test('every directive is documented, and nothing else', () => {
  const names = Object.values(DIRECTIVES).map(({ name }) => name)
  expect([...entries.keys()].sort()).toEqual(names.toSorted())
})

test('every default is said; four directives are needed', () => {
  const silent = [...entries].filter(([, text]) => !/\bDefault: ?\S/.test(text)).map(([name]) => name)
  expect(silent.sort()).toEqual(['Etcd', 'Fleet', 'Host', 'Operator'])
  expect(() => readSettings('', 'f')).toThrow(/`Fleet` is missing[^]*`Host`[^]*`Etcd`[^]*`Operator`/)
})

test.each([
  ...Object.entries(FLEET_FILES).map(([key, file]) => [
    DIRECTIVES[key as keyof typeof FLEET_FILES].name,
    `Default: ${file}.`,
  ]),
  ['Etcd', `at most ${ENDPOINTS_MAX}`],
  ['Fleet_Key_File', `${FLEET_KEY_BYTES} bytes`],
  ['State_Folder', `Default: ${FLEETS_FOLDER}/`],
  ['Clock_Skew', `from ${formatDuration(CLOCK_SKEW_MIN_MS)} to ${formatDuration(CLOCK_SKEW_MAX_MS)}`],
  ['Clock_Skew', `Default: ${formatDuration(CLOCK_SKEW_DEFAULT_MS)}`],
])('%s: %s', (name, words) => {
  expect(entries.get(name)).toContain(words)
})

test('the example is read', () => {
  const [, example = ''] = /^\.EX\n([^]*?)^\.EE$/m.exec(manual) ?? []
  expect(readSettings(example, '/etc/postern/fleet/fleet.conf')).toMatchObject({ fleet: 'home', host: 'web1' })
})
