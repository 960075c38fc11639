// Goal: a command line that knockd accepts is accepted, and means the same.
import { expect, test } from 'vitest'
import { readCommand } from '../cli/command.ts'
import { UsageError } from '../cli/fault.ts'
import { KNOCKD } from './arguments.ts'

const parseArguments = (argv: readonly string[]): object => {
  const reading = readCommand(KNOCKD, argv)
  if (reading.kind !== 'asked') throw new Error(reading.kind)
  return reading.asked as object
}

const NOTHING = parseArguments([])

test.each([
  [['-4'], { onlyIp4: true }],
  [['--only-ip-v4'], { onlyIp4: true }],
  [['--only'], { onlyIp4: true }],
  [['--for-user'], { forUser: true }],
  [['--verb', '--daem'], { verbose: true, daemon: true }],
  [['--log=/var/log/a', '--pid', '/run/a'], { logFile: '/var/log/a', pidFile: '/run/a' }],
  [['--logfile', '--pid'], undefined],
  [
    ['-vDd', '-i', 'eth0', '-c', './a'],
    { verbose: true, debug: true, daemon: true, interfaces: ['eth0'], config: './a' },
  ],
  [['-i', 'lo', 'extra', '-v', ''], { interfaces: ['lo'], verbose: true, ignored: ['extra', ''] }],
  [['-v', '--', '--verb'], { verbose: true, ignored: ['--verb'] }],
  [['--ver'], undefined],
  [['--v'], undefined],
  [['--nope'], undefined],
  [['--=x'], undefined],
])('%j', (argv, expected) => {
  if (expected === undefined) expect(() => parseArguments(argv)).toThrow(UsageError)
  else expect(parseArguments(argv)).toEqual({ ...NOTHING, ...expected })
})

test('an option that is cut too short is told what it may be', () => {
  expect(() => parseArguments(['--l', '/x'])).toThrow(new UsageError('--l may be --lookup or --logfile'))
})
