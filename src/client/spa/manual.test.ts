// Goal: postern.config(5) and the code know the same directives, bounds and defaults, and its example is in order.
import { expect, test } from 'vitest'
import { entriesOf, manualPage } from '../../../test/documents/directive-entries.ts'
import { formatDuration } from '../../config/duration.ts'
import { PUBLISHED_RETRY_DEFAULT, RETRY_MAX } from '../arguments.ts'
import { TRY_FIRST_LIMIT_MS, WAIT_DEFAULT_MS } from '../proxy/opening.ts'
import { TRY_EVERY_MS } from '../proxy/reach.ts'
import { CODE_RETRY_DEFAULT } from '../proxy/request.ts'
import { readHostConfig } from './config-file.ts'
import { HOST_DELAY_MAX_MS, HOST_DIRECTIVES, WAIT_MAX_MS, WAIT_MIN_MS } from './host-directives.ts'
import { SPA_PORT_DEFAULT } from './request.ts'

const manual = manualPage('postern.config.5')

/** The text under each directive's heading; its macros gone. */
const entries = new Map([...entriesOf(manual, /^\.BI "(\w+) = "/)].filter(([name]) => name !== ''))

test('every directive is documented, and nothing else', () => {
  expect([...entries.keys()].sort()).toEqual(
    Object.values(HOST_DIRECTIVES)
      .map(({ name }) => name)
      .sort(),
  )
  for (const { name, aliases } of Object.values(HOST_DIRECTIVES)) {
    for (const alias of aliases) expect(entries.get(name)).toContain(`${alias} is the same`)
  }
})

/** Directives that say how a host is opened, and by which files: there is no value without them. */
const OPENS = 'Knock TOTP_File From Identity Passphrase_File Server_Key Door Access'.split(' ')

test('every default is said', () => {
  const silent = [...entries].filter(([, text]) => !/\bDefault: \S/.test(text)).map(([name]) => name)
  expect(silent.sort()).toEqual(OPENS.toSorted())
})

test.each([
  ['Wait', `from ${formatDuration(WAIT_MIN_MS)} to ${formatDuration(WAIT_MAX_MS)}`],
  ['Wait', `Default: ${WAIT_DEFAULT_MS / 1_000} seconds`],
  ['Retry', `at most ${RETRY_MAX}.`],
  ['Retry', `Default: ${CODE_RETRY_DEFAULT} for a code, ${PUBLISHED_RETRY_DEFAULT} for a published list`],
  ['Try_First', `for ${TRY_FIRST_LIMIT_MS} milliseconds`],
  ['Delay', `to ${formatDuration(HOST_DELAY_MAX_MS)}`],
  ['Port', `Default: ${SPA_PORT_DEFAULT}.`],
])('%s: %s', (name, words) => {
  expect(entries.get(name)).toContain(words)
})

test('what postern(8) says of waiting', () => {
  expect(manualPage('postern.8')).toContain(`the port is tried every ${TRY_EVERY_MS} milliseconds`)
  expect(manualPage('postern.8')).toContain(`for ${WAIT_DEFAULT_MS / 1_000} seconds unless\n.B Wait\n`)
})

test('the example opens its hosts', () => {
  const [, example = ''] = /^\.EX\n([^]*?)^\.EE$/m.exec(manual)!
  expect(readHostConfig(example, 'gate')).toMatchObject({ way: 'knocks', found: true, faults: [] })
  expect(readHostConfig(example, 'one.lab.example.org')).toMatchObject({ way: 'list', found: true })
})
