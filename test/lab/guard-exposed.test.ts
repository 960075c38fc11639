// Goal: a port that the config no longer names is shown, and nobody overlooks it: the log says so at the reload or the
// start, check beforehand, status and doctor for a day after.
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { nft } from './firewall.ts'
import { guardSsh, postern } from './guarded.ts'
import { program, startAgain, withStateDir } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { probe, serveTcp } from './service.ts'

const DOOR = '[ssh]\nSequence = 7301,822,9403\nOpen_Ports = tcp/22\n'
const OTHER = '[other]\nSequence = 7301,822,9403\nCommand = /bin/true\n'
/** As the log, check, status and doctor have it. */
const SAID = 'tcp/22 is no longer hidden: add Guard = tcp/22 to keep it so'
const LINE = new RegExp(`${SAID}$`)

function write({ file, stateDir }: Knockd, config: string): void {
  writeFileSync(file, withStateDir(config, stateDir))
}

async function check(host: Host, file: string): Promise<string> {
  const argv = [process.execPath, program('postern'), 'check', file]
  return (await host.run(argv, { mayFail: true })).stdout
}

lab('a door that is taken out of the config', () => {
  test.each([
    ['another door is left', OTHER],
    ['another guarded port is left', `${OTHER}Open_Ports = tcp/8443\n`],
  ])('shows its port, and says so before and after, where %s', async (_, config) => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const daemon = await guardSsh(server, 60)
    expect(await check(server, daemon.file)).not.toContain('no longer hidden')
    write(daemon, config)
    expect(await check(server, daemon.file)).toContain(`warning: ${SAID}\n`)
    expect((await postern(server, daemon, 'doctor')).stdout).toContain(SAID)
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
    daemon.process.kill('SIGHUP')
    await daemon.process.line(LINE)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    const said = async (): Promise<readonly boolean[]> => {
      const outputs = [await postern(server, daemon, 'status'), await postern(server, daemon, 'doctor')]
      return outputs.map(({ stdout }) => stdout.includes(SAID))
    }
    expect(await said()).toEqual([true, true])
    // The port is no longer hidden, so check has nothing to add.
    expect(await check(server, daemon.file)).not.toContain('no longer hidden')
    await daemon.process.stop()
    const again = await startAgain(server, daemon)
    expect(again.count(LINE)).toBe(0)
    expect(await said()).toEqual([true, true])
    write(daemon, `[options]\nGuard = tcp/22\n${OTHER}`)
    again.kill('SIGHUP')
    await again.line(/re-reading config/)
    await expect.poll(said, { timeout: 10_000 }).toEqual([false, false])
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
  })

  test.each(['a table that is there', 'a table that a restart of the machine took'])(
    'is said at the start too, with %s',
    async (table) => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      const daemon = await guardSsh(server, 60, 'Guard = tcp/20-24')
      await daemon.process.stop()
      if (table !== 'a table that is there') await nft(server, 'flush ruleset')
      write(daemon, `[options]\nGuard = tcp/20-21, tcp/24\n${OTHER}`)
      if (table === 'a table that is there') {
        expect(await check(server, daemon.file)).toContain(': warning: tcp/22-23 is no longer hidden')
      }
      const again = await startAgain(server, daemon)
      expect(again.lines.filter((line) => line.includes('no longer hidden'))).toEqual([
        expect.stringMatching(/tcp\/22-23 is no longer hidden: add Guard = tcp\/22-23 to keep it so$/),
      ])
      expect(await probe(client, SERVER_4, 22)).toBe('open')
    },
  )

  test('is said by a check of another file, and of the table that a daemon with another state left', async () => {
    const { server } = await pair()
    const daemon = await guardSsh(server, 60)
    await daemon.process.stop()
    write({ ...daemon, stateDir: `${daemon.stateDir}-other` }, `${OTHER}Open_Ports = tcp/8443\n`)
    expect(await check(server, daemon.file)).toContain(SAID)
    const again = await startAgain(server, daemon)
    expect(again.count(LINE)).toBe(1)
    write(daemon, DOOR)
  })
})
