// Goal: an access.conf that includes files lets in whom fwknopd lets in, and nobody else; files that are added, changed and
// taken out count at once, and whoever was taken out holds nothing; what others could have written is refused and named.
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { fwknop, openings, startFwknop } from './fwknop.ts'
import { check, postern } from './guarded.ts'
import type { Knockd } from './knockd.ts'
import { lab, pair } from './net.ts'
import type { Host } from './net.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const secret = (name: string, bytes: number): string => Buffer.alloc(bytes, name).toString('base64')
const keys = (name: string): string => `KEY_BASE64: ${secret(name, 32)}\nHMAC_KEY_BASE64: ${secret(`${name}!`, 64)}\n`
const stanza = (name: string): string => `SOURCE ANY\nOPEN_PORTS tcp/22\nREQUIRE_SOURCE_ADDRESS Y\n${keys(name)}`
const put = (path: string, text: string): void => {
  writeFileSync(path, text)
  chmodSync(path, 0o600)
}

/** Sends a packet of somebody's with the real client. */
const ask = async (client: Host, name: string): Promise<void> =>
  await fwknop(
    client,
    ['-A', 'tcp/22', '-U', name],
    ['--key-base64-rijndael', secret(name, 32), '--key-base64-hmac', secret(`${name}!`, 64), '--use-hmac'],
  )

/** A folder of users, as sites have it, and the access.conf that includes it. */
const site = (): { readonly users: string; readonly access: string } => {
  const folder = scratch('fwknop')
  const users = join(folder, 'users.d')
  mkdirSync(users, { recursive: true, mode: 0o700 })
  put(join(users, 'bob.conf'), stanza('bob'))
  put(join(users, 'ann.conf'), stanza('ann'))
  put(join(users, 'old.conf.bak'), stanza('old'))
  put(join(users, 'notes.txt'), stanza('notes'))
  put(join(folder, 'one.conf'), stanza('one'))
  put(join(folder, 'keys'), keys('kim'))
  const access = `SOURCE ANY\nOPEN_PORTS tcp/22\nREQUIRE_SOURCE_ADDRESS Y\n%include_keys ${folder}/keys\n%include ${folder}/one.conf\n%include_folder ${users}\n${stanza('last')}`
  return { users, access }
}

const heldBy = async (server: Host, daemon: Knockd): Promise<readonly (string | undefined)[]> =>
  (await openings(server, daemon)).map(({ user }) => user)

lab('an access.conf that includes files', () => {
  test('lets in the same people as the real fwknopd', async () => {
    const { server, client } = await pair()
    const { access } = site()
    const [yes, no] = [
      ['kim', 'one', 'ann', 'bob', 'last'],
      ['old', 'notes'],
    ]
    const folder = scratch('real')
    mkdirSync(folder, { mode: 0o700 })
    put(join(folder, 'access.conf'), access)
    put(
      join(folder, 'fwknopd.conf'),
      `PCAP_INTF eth0;\nENABLE_UDP_SERVER Y;\nFWKNOP_RUN_DIR ${folder};\nENABLE_DIGEST_PERSISTENCE N;\n`,
    )
    const files = ['-c', join(folder, 'fwknopd.conf'), '-a', join(folder, 'access.conf')]
    const real = server.start(['stdbuf', '-oL', 'fwknopd', '-f', '-t', '-U', ...files])
    await real.line(/listen on port 62201/)
    const granted = /--test mode enabled/
    for (const name of [...no, ...yes]) await ask(client, name)
    for (const name of yes) expect(await real.line(granted), name).toMatch(granted)
    await real.stop()
    expect(real.count(granted)).toBe(yes.length)

    const daemon = await startFwknop(server, access, ['Open_Ports = tcp/22'])
    running = daemon.process
    const opened = async (name: string, place: string): Promise<void> => {
      let line = 'too many'
      // One source for all these people: it may have used up what strangers may cost.
      for (let tried = 0; tried < 20 && line.includes('too many'); tried++) {
        await ask(client, name)
        line = await running!.line(/OPEN SESAME|too many packets/)
      }
      expect(line).toMatch(new RegExp(`OPEN SESAME \\((\\d+-)?${place}, claims to be ${name}\\)`))
    }
    for (const name of no) await ask(client, name)
    await opened('kim', 'access.conf:1')
    await opened('one', 'one.conf:1')
    await opened('ann', 'ann.conf:1')
    await opened('bob', 'bob.conf:1')
    await opened('last', 'access.conf:7')
  }, 60_000)

  test('users who are added, changed and taken out', async () => {
    const { server, client } = await pair()
    const { users, access } = site()
    const daemon = await startFwknop(server, access, ['Open_Ports = tcp/22'])
    running = daemon.process
    await ask(client, 'bob')
    await running.line(/OPEN SESAME \(bob/)
    rmSync(join(users, 'bob.conf'))
    await running.line(/access of bob\.conf:1 revoked/)
    expect(await heldBy(server, daemon)).toEqual([])
    await ask(client, 'bob')
    put(join(users, 'dan.conf'), stanza('dan'))
    // Until the folder was read again nothing opens to dan.
    await expect
      .poll(
        async () => {
          await ask(client, 'dan')
          return await heldBy(server, daemon)
        },
        { timeout: 20_000 },
      )
      .toEqual(['dan.conf:1'])
    put(join(users, 'dan.conf'), stanza('dave'))
    await running.line(/access of dan\.conf:1 revoked/)
    await ask(client, 'kim')
    await running.line(/OPEN SESAME \(\S*access.conf:1/)
    put(join(users, '..', 'keys'), keys('liz'))
    await running.line(/access of \S*access\.conf:1 revoked/)
    await ask(client, 'liz')
    await running.line(/OPEN SESAME \(\S*access.conf:1, claims to be liz/)
    expect(running.count(/OPEN SESAME \(bob/)).toBe(1)
  }, 60_000)

  test('a file that others could have written is refused and named; whoever was in it before stays, who is out is out', async () => {
    const { server, client } = await pair()
    const { users, access } = site()
    const daemon = await startFwknop(server, access, ['Open_Ports = tcp/22'])
    running = daemon.process
    await ask(client, 'ann')
    await running.line(/OPEN SESAME \(ann/)
    const ann = join(users, 'ann.conf')
    chmodSync(ann, 0o644)
    rmSync(join(users, 'bob.conf'))
    const refused = new RegExp(`%include_folder: ${ann} others than its owner can read or write it`)
    expect(await running.line(refused)).toMatch(/access\.conf:6:17: error.*keeping the previous keys/)
    await ask(client, 'bob')
    await ask(client, 'ann')
    expect(await running.line(/OPEN SESAME/)).toMatch(/\(ann\.conf:1/)
    expect(running.count(/revoked/)).toBe(0)
    const { stdout: checked } = await check(daemon.file)
    expect(checked).toContain(ann)
    expect(checked).toContain(`chmod 600 ${ann}`)
    chmodSync(ann, 0o600)
    chownSync(ann, 65_534, 65_534)
    await running.line(/belongs to another user/)
    expect((await check(daemon.file)).stdout).toContain(`chown root ${ann}`)
    // A folder that others can write says who has a key.
    chownSync(ann, 0, 0)
    chmodSync(users, 0o777)
    // Its own mode is looked at every half minute; a reload looks at once.
    running.kill('SIGHUP')
    await running.line(/others than its owner can change it/)
    expect((await postern(server, daemon, 'doctor')).stdout).toContain(`chmod go-w ${users}`)
    chmodSync(users, 0o700)
    const { stdout, code } = await check(daemon.file)
    expect(code, stdout).toBe(0)
    expect(stdout).toContain('ann.conf:1: opens tcp/22')
  }, 60_000)
})
