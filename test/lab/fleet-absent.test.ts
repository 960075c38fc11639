// Goal: a daemon without `Fleet` loads nothing of it: no module of the fleet, and none of the client of etcd.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { keyPairOf } from '../../src/spa/noise/curve.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { secretFile } from './fwknop.ts'
import { knock, startKnockd } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import { scratch } from './scratch.ts'

/** The names of modules, which the files that they were joined to have as comments. */
const OF_A_DAEMON = /^\/\/ build\/daemon\/parts\.js$/m
const OF_A_FLEET = /^\/\/ build\/(?:fleet|etcd)\//m

/** Returns options of Node.js with which a process notes each module that it loads. */
function noting(notes: string): string {
  const hooks = `import { appendFileSync } from 'node:fs'
export const load = (url, context, next) => (appendFileSync(${JSON.stringify(notes)}, url + '\\n'), next(url, context))`
  const file = scratch('hooks.mjs')
  const text = `import { register } from 'node:module'
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)})`
  writeFileSync(file, text)
  return `--import=file://${file}`
}

/** Returns the text of all files that were noted. */
function loaded(notes: string): string {
  const files = readFileSync(notes, 'utf8').match(/^file:.*$/gm) ?? []
  return files.map((url) => readFileSync(fileURLToPath(url), 'utf8')).join('\n')
}

lab('without a fleet', () => {
  test('nothing of it is loaded: not at the start, by knocks of all kinds, or by a reload', async () => {
    const { server, client } = await pair()
    const secret = new Uint8Array(32).fill(11)
    const user = keyPairOf(new Uint8Array(32).fill(12))
    const options = `SPA_Key_File = ${secretFile('server.key', formatKey('postern-server-secret', secret))}`
    const list = scratch('list')
    writeFileSync(list, '4001,4002\n4003,4004\n', { mode: 0o600 })
    const doors = `[ssh]
Sequence = 7301,8822
Open_Ports = tcp/22
[once]
One_Time_Sequences = ${list}
Open_Ports = tcp/23
[ours]
SPA = postern
SPA_Users = ${secretFile('users', `${formatKey('postern-user', user.publicKey)} bob\n`)}
Open_Ports = tcp/24
`
    const notes = scratch('notes')
    const env = { NODE_OPTIONS: noting(notes) }
    const daemon = await startKnockd({ host: server, config: `[options]\n${options}\n${doors}`, env })
    await knock(client, [SERVER_4, '7301', '8822'])
    await daemon.process.line(/ssh: OPEN SESAME/)
    await knock(client, [SERVER_4, '4001', '4002'])
    await daemon.process.line(/once: OPEN SESAME/)
    daemon.process.kill('SIGHUP')
    await daemon.process.line(/re-reading/i)
    await knock(client, [SERVER_4, '4003', '4004'])
    await daemon.process.line(/once: OPEN SESAME/)
    await daemon.process.stop()
    expect(loaded(notes)).toMatch(OF_A_DAEMON)
    expect(loaded(notes)).not.toMatch(OF_A_FLEET)

    // The same look finds them in a daemon with one, even if its file is missing.
    const fleet = `[options]\n${options}\nFleet = ${scratch('fleet.conf')}\n${doors}`
    const other = await startKnockd({ host: server, config: fleet, env })
    await other.process.stop()
    expect(loaded(notes)).toMatch(OF_A_FLEET)
  })
})
