// Goal: a command line is read as its row of the table says. A fault names the wrong word, and what would be right. The
// help shows every option of the row, and nothing runs before all words are read.
import { expect, test } from 'vitest'
import { VERSION } from '../version.ts'
import { command, readCommand, runCommand } from './command.ts'
import { DONE, FAILED, USAGE } from './exit-code.ts'
import { Failure, UsageError } from './fault.ts'
import { CONFIG, INTERFACES, VERSION_FLAG } from './option.ts'
import { one, wholeNumber } from './value.ts'

let ran: object[] = []
let fails: Error | undefined

const ROW = command({
  name: 'postern try',
  about: 'Tries the table.',
  options: {
    config: CONFIG,
    interface: INTERFACES,
    count: { value: 'N', default: '2', read: wholeNumber(1, 9), help: 'tries' },
    format: { value: 'nft|iptables', kind: ['nft', 'iptables'], help: 'form of the rules' },
    keep: { help: 'keep them' },
    where: { within: 'keep', value: 'FILE', help: `with --keep: in this file ${'and more '.repeat(9)}`.trim() },
    version: VERSION_FLAG,
  },
  operands: { text: 'DOOR', kinds: ['door'], help: 'the door' },
  exits: { 0: 'tried', 1: 'not tried' },
  examples: '  postern try ssh',
  read: (values, words) => ({ ...values, door: one(words, 'missing DOOR') }),
  run: async () => async (asked) => {
    ran.push(asked)
    if (fails !== undefined) throw fails
    return await Promise.resolve(DONE)
  },
})

async function run(...argv: readonly string[]): Promise<{ code: number; out: string; err: string; ran: object[] }> {
  let [out, err] = ['', '']
  ran = []
  const code = await runCommand(ROW, argv, { out: (text) => (out += text), err: (text) => (err += text) })
  return { code, out, err, ran }
}

const SYNOPSIS = `usage: postern try [-c FILE] [-i NAME]... [--count N] [--format nft|iptables]
                   [--keep [--where FILE]] [-V] DOOR
`
const PLAIN = {
  config: '/etc/knockd.conf',
  interface: [],
  count: 2,
  format: undefined,
  keep: false,
  where: undefined,
  version: false,
  door: 'ssh',
}

test.each<[string, object]>([
  ['ssh', {}],
  ['-c a ssh --keep', { config: 'a', keep: true }],
  ['-i a,b -i c ssh', { interface: [['a', 'b'], ['c']] }],
  ['--count=9 --format iptables ssh', { count: 9, format: 'iptables' }],
  ['--where f -- -x', { where: 'f', door: '-x' }],
])('%s', async (line, difference) => {
  expect(await run(...line.split(' '))).toEqual({ code: DONE, out: '', err: '', ran: [{ ...PLAIN, ...difference }] })
})

test.each([
  ['', 'missing DOOR\n'],
  ['--kep ssh', "unknown option '--kep'\n  did you mean: --keep\n"],
  ['--nothing-like-it ssh', "unknown option '--nothing-like-it'\n"],
  ['-x ssh', "unknown option '-x'\n"],
  ['--keep=1 ssh', "option '--keep' does not take an argument\n"],
  ['ssh -c', "option '-c, --config <value>' argument missing\n"],
  ['-c -i ssh', "option '-c' argument is ambiguous\n"],
  ['--format ufw ssh', '--format is nft or iptables\n'],
  ['--count 10 ssh', '--count: not a number in range: 10\n  1 to 9\n'],
  ['--count= ssh', '--count: not a number in range: (empty)\n  1 to 9\n'],
])('"%s" is a fault of usage', async (line, fault) => {
  const argv = line === '' ? [] : line.split(' ')
  expect(await run(...argv)).toEqual({ code: USAGE, out: '', err: `postern: ${fault}${SYNOPSIS}`, ran: [] })
})

test('the hint of a row replaces the synopsis, also below a hint of the fault itself', async () => {
  let err = ''
  const output = { out: () => undefined, err: (text: string) => (err += text) }
  for (const words of [[], ['--kep']]) await runCommand({ ...ROW, hint: 'see the manual' }, words, output)
  await runCommand({ ...ROW, hint: '' }, [], output)
  expect(err).toBe(`postern: missing DOOR
  see the manual
postern: unknown option '--kep'
  did you mean: --keep
postern: missing DOOR
`)
})

test.each<[Error, number, string]>([
  [new UsageError('no such door', 'those are: ssh'), USAGE, `postern: no such door\n  those are: ssh\n${SYNOPSIS}`],
  [new Failure('no answer', 'start it'), FAILED, 'postern: no answer\n  start it\n'],
  [new Failure('no answer'), FAILED, 'postern: no answer\n'],
])('%s, thrown by the command', async (error, code, err) => {
  fails = error
  expect(await run('ssh')).toMatchObject({ code, out: '', err })
  fails = undefined
})

test('an internal error is not hidden', async () => {
  fails = new TypeError('broken')
  await expect(run('ssh')).rejects.toThrow('broken')
  fails = undefined
})

test('help and version go before the rest of the line, unless that cannot be read', async () => {
  expect(readCommand(ROW, ['--count', '99', '-h'])).toEqual({ kind: 'help' })
  expect(await run('-V')).toEqual({ code: DONE, out: `postern ${VERSION} (Postern)\n`, err: '', ran: [] })
  expect((await run('-h', '--kep')).code).toBe(USAGE)
  expect(await run('--help')).toEqual({
    code: DONE,
    out: `${SYNOPSIS}
Tries the table.

  DOOR                  the door
  -c, --config FILE     the config; default: /etc/knockd.conf
  -i, --interface NAME  the interface that knockd gets with -i, if any
      --count N         tries; default: 2
      --format nft|iptables
                        form of the rules
      --keep            keep them
      --where FILE      with --keep: in this file and more and more and more and
                        more and more and more and more and more and more
  -V, --version         show the version
  -h, --help            show this help

exit status: 0 tried, 1 not tried, 2 usage

  postern try ssh
`,
    err: '',
    ran: [],
  })
})
