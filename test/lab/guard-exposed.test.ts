// Goal: a port that the config no longer names is shown, and nobody overlooks it: the log says so at the reload or the
// start, check beforehand, status and doctor for a day after.
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { nft } from './firewall.ts'
import { check as checked, guardSsh, postern } from './guarded.ts'
import { program, startAgain, withStateDir } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { probe, serveTcp } from './service.ts'

const DOOR = '[ssh]\nSequence = 7301,822,9403\nOpen_Ports = tcp/22\n'
const OTHER = '[other]\nSequence = 7301,822,9403\nCommand = /bin/true\n'
/** As the log, check, status and doctor have it. */
const SAID = 'tcp/22 is no longer hidden: add Guard = tcp/22 to keep it so'
const LINE = new RegExp(`${SAID}$`)

function write({ file, stateDir }: Knockd, config: string): void {
  writeFileSync(file, withStateDir(config, stateDir))
}

/** Runs the program where the guard's table is, and in this process where the daemon's state says enough. */
async function check(file: string, host?: Host): Promise<string> {
  const argv = [process.execPath, program('postern'), 'check', file]
  return (await (host === undefined ? checked(file) : host.run(argv, { mayFail: true }))).stdout
}

lab('a door that is taken out of the config', { concurrent: true }, () => {
  test('shows its port, and says so before and after, where another door is left, guarded or not', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const daemon = await guardSsh(server, 60)
    const reload = async (config: string, line: RegExp): Promise<void> => {
      write(daemon, config)
      daemon.process.kill('SIGHUP')
      await daemon.process.line(line)
    }
    expect(await check(daemon.file)).not.toContain('no longer hidden')
    // Another guarded port is left.
    await reload(`${OTHER}Open_Ports = tcp/8443\n`, LINE)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    await reload(DOOR, /re-reading config/)
    await until('the port is hidden', async () => (await probe(client, SERVER_4, 22)) === 'refused')
    // No guarded port is left.
    write(daemon, OTHER)
    expect(await check(daemon.file)).toContain(`warning: ${SAID}\n`)
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
    await reload(OTHER, LINE)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    const told = async (name: 'status' | 'doctor'): Promise<boolean> =>
      (await postern(server, daemon, name)).stdout.includes(SAID)
    expect([await told('status'), await told('doctor')]).toEqual([true, true])
    // The port is no longer hidden, so check has nothing to add.
    expect(await check(daemon.file)).not.toContain('no longer hidden')
    await daemon.process.stop()
    const again = await startAgain(server, daemon)
    expect(again.count(LINE)).toBe(0)
    expect(await told('status')).toBe(true)
    write(daemon, `[options]\nGuard = tcp/22\n${OTHER}`)
    again.kill('SIGHUP')
    await again.line(/re-reading config/)
    await until('status says it no more', async () => !(await told('status')))
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
    await again.stop()
  })

  test('is said at the start too, with a table that is there, of another state or not, or that a restart of the machine took', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const daemon = await guardSsh(server, 60, 'Guard = tcp/20-24')
    await daemon.process.stop()
    write(daemon, `[options]\nGuard = tcp/20-21, tcp/24\n${OTHER}`)
    expect(await check(daemon.file, server)).toContain(': warning: tcp/22-23 is no longer hidden')
    const again = await startAgain(server, daemon)
    expect(again.lines.filter((line) => line.includes('no longer hidden'))).toEqual([
      expect.stringMatching(/tcp\/22-23 is no longer hidden: add Guard = tcp\/22-23 to keep it so$/),
    ])
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    await again.stop()
    await nft(server, 'flush ruleset')
    write(daemon, `[options]\nGuard = tcp/20\n${OTHER}`)
    const later = await startAgain(server, daemon)
    expect(later.lines.filter((line) => line.includes('no longer hidden'))).toEqual(
      ['tcp/21', 'tcp/24'].map((port) => `${port} is no longer hidden: add Guard = ${port} to keep it so`),
    )
    await later.stop()
    // The table that a daemon with another state left, by a file that is not its own.
    write({ ...daemon, stateDir: `${daemon.stateDir}-other` }, `${OTHER}Open_Ports = tcp/8443\n`)
    const said = 'tcp/20 is no longer hidden: add Guard = tcp/20 to keep it so'
    expect(await check(daemon.file, server)).toContain(said)
    const strange = await startAgain(server, daemon)
    expect(strange.count(new RegExp(`${said}$`))).toBe(1)
  })
})
