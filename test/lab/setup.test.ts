// Goal: somebody who has ssh open to a machine sets it up, and cannot lose it: what is not confirmed over a new connection is
// taken back to the byte, whatever is killed; what is confirmed hides the port, the line that was printed opens it, and
// another run changes nothing.
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { expect, test } from 'vitest'
import { hashOf } from '../../src/base/config-trial.ts'
import { SLOW, sample, slowly } from '../slow.ts'
import { program, startRealKnockd } from './knockd.ts'
import { SERVER_4, SERVER_6, lab } from './net.ts'
import { Process, run, runs, until } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { goesOn, probe, session } from './service.ts'
import { SETUP_LIMIT_MS, SetupMachine, clientLineIn } from './setup-machine.ts'

const ALL = ['--yes', '--always-allow', 'none', '--hide', 'tcp/22'] as const
/** The same, with openings that are soon over. */
const BRIEF = [...ALL, '--open-for', '8s'] as const
const OLD = '[mine]\n\tSequence = 24817,8097,41553\n\tStart_Command = true\n'

/** No connection, as at the machine's own console. */
const CONSOLE = ''

/** Expects that the machine is as it was before: rules, files, processes, and its open port. */
async function untouched(machine: SetupMachine, left: readonly string[] = []): Promise<void> {
  expect(await machine.rulesNow()).toBe(machine.rules)
  expect(machine.left).toEqual(left)
  expect(await machine.daemons()).toEqual([])
  expect(await probe(machine.client, SERVER_4, 22)).toBe('open')
}

/** Waits until the trial has begun. */
async function onTrial(setup: Process): Promise<string> {
  await setup.line(/sudo postern setup confirm/, SETUP_LIMIT_MS)
  return clientLineIn(setup.stderr)
}

// Each has a machine of its own.
lab('postern setup', { concurrent: true }, () => {
  // What is taken back without a signal is taken back by the keeper as well, at the same time.
  test.each(sample([undefined, 'SIGKILL', 'SIGHUP'] as const, (signal) => signal === 'SIGKILL'))(
    'not confirmed, all is as it was before, also if set-up is ended by a signal (%s); the session never breaks',
    async (signal) => {
      const machine = await SetupMachine.make()
      const existing = await session(machine.client, SERVER_4)
      const setup = machine.start(await machine.login(), ...ALL, '--confirm-within', '10s')
      const line = await onTrial(setup)
      expect(await probe(machine.client, SERVER_4, 22)).not.toBe('open')
      expect(machine.config).toMatch(/Sequence = \d+,\d+,\d+,\d+\n/)
      await machine.knock(line)
      await until('it is open', async () => (await probe(machine.client, SERVER_4, 22)) === 'open')
      await goesOn(existing)
      if (signal === undefined) {
        await setup.line(/not confirmed: all is taken back/, SETUP_LIMIT_MS)
        expect((await setup.ended).code).toBe(1)
      } else {
        const [keeper] = await machine.processes('setup-keeper')
        for (const pid of await machine.processes('bin/postern.js')) process.kill(pid, signal)
        await setup.ended
        await until('the keeper has ended', () => !runs(keeper!), SETUP_LIMIT_MS)
      }
      await untouched(machine)
      await goesOn(existing)
    },
    2 * SETUP_LIMIT_MS,
  )

  test(
    'confirmed over a new connection it stays; run again, nothing changes',
    async () => {
      const machine = await SetupMachine.make({ families: [4, 6] })
      const old = await machine.login()
      const setup = machine.start(old, ...BRIEF, '--confirm-within', '60s')
      const line = await onTrial(setup)
      const before = machine.commands(old)
      expect((await before.run('setup', 'confirm')).stderr).toMatch(/this connection was there before/)
      expect((await before.run('setup', ...ALL)).stderr).toMatch(/a set-up is on trial\n {2}sudo postern setup confirm/)
      const own = ['127.0.0.1 40000 127.0.0.1 22', `${SERVER_4} 40000 ${SERVER_4} 22`]
      for (const here of sample(own, (_, index) => index > 0)) {
        expect((await machine.run(here, 'confirm')).stderr).toMatch(/this connection comes from this machine/)
      }
      await machine.knock(line)
      await until('it is open', async () => (await probe(machine.client, SERVER_4, 22)) === 'open')
      const fresh = machine.commands(await machine.login())
      const kept = await fresh.run('setup', 'confirm', '--json')
      expect([kept.code, JSON.parse(kept.stdout)]).toMatchObject([0, { changed: true, state: 'confirmed' }])
      await setup.line(/confirmed: it stays/, SETUP_LIMIT_MS)
      expect((await setup.ended).code).toBe(0)
      expect(clientLineIn(setup.stdout)).toBe(line)
      expect(machine.left).toEqual(['knockd.conf'])
      const [identity, pids] = [machine.identity, await machine.daemons()]
      const again = await fresh.run('setup', ...BRIEF)
      expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(/nothing changed/)])
      expect(clientLineIn(again.stdout)).toBe(line)
      if (SLOW) {
        const json = await fresh.run('setup', ...BRIEF, '--json')
        expect(JSON.parse(json.stdout)).toMatchObject({ changed: false, state: 'unchanged', hidden: ['tcp/22'] })
        expect((await fresh.run('setup', ...BRIEF, '--dry-run')).code).toBe(0)
      }
      const other = await fresh.run('setup', ...ALL, '--open-for', '5m')
      expect([other.code, other.stderr]).toEqual([
        1,
        expect.stringMatching(/\n-\tOpen_For = 8s\n\+\tOpen_For = 5m\n.*--replace/s),
      ])
      const dry = await fresh.run('setup', ...ALL, '--open-for', '5m', '--replace', '--dry-run')
      expect([dry.code, dry.stderr]).toEqual([1, expect.stringMatching(/nothing has changed/)])
      expect([machine.identity, await machine.daemons(), machine.left]).toEqual([identity, pids, ['knockd.conf']])
      const another = await fresh.run('setup', ...ALL, '-c', '/etc/another.conf')
      expect(another.stderr).toMatch(/another knockd runs, process \d+ .*\n {2}end it first, or set its config up/)
      await until('it is shut', async () => (await probe(machine.client, SERVER_4, 22)) !== 'open', SETUP_LIMIT_MS)
      expect(await probe(machine.client, SERVER_6, 22)).not.toBe('open')
    },
    3 * SETUP_LIMIT_MS,
  )

  // Above, another set-up is refused too.
  slowly(
    'of two set-ups at once none puts in force what the other one has written',
    async () => {
      const machine = await SetupMachine.make()
      const typed = await machine.login()
      const first = machine.start(typed, ...ALL, '--no-wait', '--open-for', '40s')
      await first.line(/on trial for/, SETUP_LIMIT_MS)
      await machine.run(typed, ...ALL, '--no-wait', '--open-for', '50s')
      await first.ended
      const record = machine.at('/etc/knockd.conf.on-trial')
      const sum = existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as { sum: string }).sum : undefined
      expect(machine.config === undefined ? undefined : hashOf(machine.config)).toBe(sum)
      await machine.run(typed, 'cancel')
      await untouched(machine)
    },
    3 * SETUP_LIMIT_MS,
  )

  slowly(
    'with every process killed, the daemon that is started again or the next run takes it back',
    async () => {
      const machine = await SetupMachine.make()
      for (const way of ['daemon', 'next run'] as const) {
        const setup = machine.start(await machine.login(), ...ALL, '--confirm-within', '5s')
        await onTrial(setup)
        const pids = [...(await machine.processes('bin/postern.js')), ...(await machine.processes('setup-keeper'))]
        for (const pid of [...pids, ...(await machine.daemons())]) process.kill(pid, 'SIGKILL')
        await setup.ended
        expect(await probe(machine.client, SERVER_4, 22)).not.toBe('open')
        const early = await machine.run(CONSOLE, ...ALL)
        expect(early.stderr).toMatch(/a set-up is on trial/)
        await until(
          'its time is over',
          () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000 > deadline(machine),
        )
        if (way === 'daemon') {
          const daemon = await machine.exec([process.execPath, program('knockd'), '-c', '/etc/knockd.conf'])
          expect([daemon.code, daemon.stderr]).toEqual([
            78,
            expect.stringMatching(/was not confirmed: the previous config is back/),
          ])
        } else {
          const next = await machine.run(CONSOLE, ...ALL, '-i', 'eth9')
          expect(next.stderr).toMatch(/is taken back\n[^]*no such interface/)
        }
        await untouched(machine)
      }
    },
    3 * SETUP_LIMIT_MS,
  )

  slowly(
    'an existing config is left alone; with --replace it is back after the trial, and beside the new one when that is kept',
    async () => {
      const machine = await SetupMachine.make()
      machine.write('/etc/knockd.conf', OLD, 0o640)
      const before = machine.identity
      const refused = await machine.run(await machine.login(), ...ALL)
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringMatching(/doors that set-up did not write: nothing/),
      ])
      expect(machine.identity).toBe(before)
      const first = machine.start(await machine.login(), ...ALL, '--replace', '--confirm-within', '60s')
      await onTrial(first)
      expect(machine.config).toMatch(/\[ssh\]/)
      const cancelled = await machine.run(CONSOLE, 'cancel')
      expect([cancelled.code, cancelled.stdout]).toEqual([0, 'taken back: all is as it was before\n'])
      expect((await first.ended).code).toBe(1)
      expect([machine.identity, machine.config]).toEqual([before, OLD])
      await untouched(machine, ['knockd.conf'])
      const second = await machine.run(await machine.login(), ...ALL, '--replace', '--no-wait', '--json')
      const { client, state } = JSON.parse(second.stdout) as { client: { line: string }; state: string }
      expect([second.code, state]).toEqual([0, 'on trial'])
      await machine.knock(client.line)
      await until('it is open', async () => (await probe(machine.client, SERVER_4, 22)) === 'open')
      expect((await machine.run(await machine.login(), 'confirm')).code).toBe(0)
      expect(machine.left).toEqual(['knockd.conf', 'knockd.conf.before-postern.1'])
      expect(readFileSync(machine.at('/etc/knockd.conf.before-postern.1'), 'utf8')).toBe(OLD)
    },
    4 * SETUP_LIMIT_MS,
  )

  slowly.each(['totp', 'spa'] as const)(
    'with %s: what is printed opens, and nothing of it is left if it is not kept',
    async (secret) => {
      const machine = await SetupMachine.make()
      const setup = machine.start(await machine.login(), ...ALL, '--secret', secret, '--confirm-within', '60s')
      const line = await onTrial(setup)
      if (secret === 'totp') {
        expect(setup.stderr).toMatch(/otpauth:\/\/totp\/[^]*█/)
        expect(machine.left).toEqual(['knockd.conf', 'knockd.conf.on-trial', 'ssh'])
        const text = readFileSync(machine.at('/etc/postern/totp/ssh'), 'utf8')
        await machine.knock(line.replace('--code CODE', `--totp-file ${writeConfig(text, 'totp')}`))
      } else {
        const key = /echo (postern-user-secret:\S+)/.exec(setup.stderr)![1]!
        await machine.knock(line.replace('--spa', `--spa --key ${writeConfig(`${key}\n`, 'key')}`))
      }
      await until('it is open', async () => (await probe(machine.client, SERVER_4, 22)) === 'open')
      for (const pid of await machine.processes('bin/postern.js')) process.kill(pid, 'SIGINT')
      await setup.line(/not confirmed: all is taken back/)
      await untouched(machine)
    },
    2 * SETUP_LIMIT_MS,
  )

  test(
    'a rule that refuses those who knock, a full disk, a wrong interface, no terminal: nothing has changed',
    async () => {
      const machine = await SetupMachine.make({ size: '256k' })
      const here = await machine.login()
      const commands = machine.commands(here)
      const wrong = await commands.run('setup', ...ALL, '-i', 'eth9')
      expect([wrong.code, wrong.stderr]).toEqual([
        2,
        expect.stringMatching(/no such interface with an address: eth9\n {2}did you mean: eth0/),
      ])
      expect((await commands.run('setup')).stderr).toMatch(/standard input is not a terminal\n {2}--yes/)
      await untouched(machine)

      const shut = await machine.run(here, '--yes', '--always-allow', 'none', '--hide', 'tcp/2222')
      expect([shut.code, shut.stderr]).toEqual([
        1,
        expect.stringMatching(/nft insert rule inet mine in tcp dport 2222 accept/),
      ])
      await untouched(machine)

      await machine.exec(['sh', '-c', 'head -c 300k /dev/zero > /etc/filler'])
      const full = await commands.run('setup', ...ALL)
      expect([full.code, full.stderr]).toEqual([1, expect.stringMatching(/cannot write .*no space left on device/)])
      await machine.exec(['rm', '/etc/filler'])
      await untouched(machine)

      if (!SLOW) return
      const theirs = await startRealKnockd({ host: machine.server, config: OLD })
      const beside = await commands.run('setup', ...ALL)
      expect(beside.stderr).toMatch(/another knockd runs, process \d+ .*\n {2}end it first/)
      await theirs.stop()
      await untouched(machine)
    },
    4 * SETUP_LIMIT_MS,
  )

  test(
    'at a real terminal, by its questions: yes keeps it',
    async () => {
      const machine = await SetupMachine.make()
      const words = `${process.execPath} ${program('postern')} setup --confirm-within 100s`
      const holder = machine.at('').split('/')[2]!
      const typed = scratch('typed')
      await run(['mkfifo', typed])
      // Read and written, it has no end of which the program would hear, and can be opened at once.
      const keys = openSync(typed, 'r+')
      const inside = ['nsenter', '--target', holder, '--mount', '--net', 'script', '-qec', words, '/dev/null']
      const script = new Process(['sh', '-c', `exec "$@" <${typed}`, 'sh', ...inside])
      await until('the first question', () => script.stdout.includes('interface on which'), SETUP_LIMIT_MS)
      writeSync(keys, '\n\n\n\nyes\n')
      await script.line(/sudo postern setup confirm/, SETUP_LIMIT_MS)
      writeSync(keys, 'yes\n')
      await script.line(/confirmed: it stays/, SETUP_LIMIT_MS)
      expect(script.stdout).toMatch(/ports to hide \[tcp\/22\][^]*go on\? yes or no \[no\]/)
      expect(machine.left).toEqual(['knockd.conf'])
      expect(await probe(machine.client, SERVER_4, 22)).not.toBe('open')
      closeSync(keys)
    },
    2 * SETUP_LIMIT_MS,
  )
})

function deadline(machine: SetupMachine): number {
  return (JSON.parse(readFileSync(machine.at('/etc/knockd.conf.on-trial'), 'utf8')) as { deadline: number }).deadline
}
