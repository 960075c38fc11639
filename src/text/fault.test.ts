// Goal: a fault reads as compilers write them, in order, and cannot carry anything into a terminal or a log.
import { expect, test } from 'vitest'
import { FaultList, formatFault, quote } from './fault.ts'

test('the format', () => {
  const fault = { severity: 'error', line: 3, column: 7, message: 'no port' } as const
  expect(formatFault('/etc/knockd.conf', fault)).toBe('/etc/knockd.conf:3:7: error: no port')
  expect(formatFault('/etc/knockd.conf', { ...fault, severity: 'warning', file: '/seq', hint: 'write PORT' })).toBe(
    '/seq:3:7: warning: no port\n    write PORT',
  )
})

test('text of others is quoted so that it shows', () => {
  expect(quote('a b')).toBe('`a b`')
  expect(quote('\u001B[2Ja\n\u202E\u00A0\uD800é–')).toBe('`<U+001B>[2Ja<U+000A><U+202E><U+00A0><U+D800>é–`')
  expect(quote('x'.repeat(100))).toBe(`\`${'x'.repeat(64)}…\``)
})

test('the order is that of the text, the config before the files it names', () => {
  const faults = new FaultList()
  faults.add({ severity: 'warning', file: '/b', line: 1, column: 1, message: '6' })
  faults.add({ severity: 'warning', file: '/a', line: 9, column: 1, message: '5' })
  faults.warning(2, 1, '3')
  faults.error(10, 1, '4')
  faults.error(1, 9, '2', 'hint')
  faults.error(1, 2, '1')
  expect(faults.sorted().map(({ message }) => message)).toEqual(['1', '2', '3', '4', '5', '6'])
  expect(faults.failed).toBe(true)
})
