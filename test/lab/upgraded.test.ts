// Goal: a daemon whose program was replaced by another version, and which was not started again, still reloads. Where it would
// need what it has not loaded yet, it says so.
import { cpSync, readFileSync, readdirSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KNOCKS, asked } from './guarded.ts'
import { PROJECT } from './knockd.ts'
import { Host, lab } from './net.ts'
import { USER, configure, openFolder, places, share } from './privileged.ts'

lab('a daemon whose program was replaced', () => {
  test('reloads as its User, and names the restart that new kinds of doors need', async () => {
    const folder = openFolder('package')
    const dist = join(folder, 'dist')
    cpSync(join(PROJECT, 'dist'), dist, { recursive: true })
    cpSync(join(PROJECT, 'package.json'), join(folder, 'package.json'))
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
    const host = await Host.make('server')
    const at = places()
    const argv = [process.execPath, join(dist, 'bin', 'knockd.js'), '-v', '-c', at.file, '-i', 'lo']
    const daemon = host.start(argv)
    await daemon.line(/listening on/)
    // Another version's parts have other names.
    const parts = join(folder, 'parts')
    renameSync(join(dist, 'parts'), parts)

    const doors = `[moved]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/2200\n`
    configure(at, `User = ${USER.name}\n`, doors)
    daemon.kill('SIGHUP')
    const status = async (): Promise<string> => (await asked(['status', '--json', '-c', at.file, '-i', 'lo'])).stdout
    await expect.poll(status, { timeout: 20_000 }).toContain('moved')
    expect(daemon.count(/Cannot find module|keeping the previous config/)).toBe(0)

    const [key, users] = [join(at.folder, 'key'), share(join(at.folder, 'users'), '')]
    await asked(['keygen', 'server', '--file', key])
    share(key, readFileSync(key))
    configure(
      at,
      `User = ${USER.name}\nSPA_Key_File = ${key}\n`,
      `${doors}[spa]\nSPA = postern\nSPA_Users = ${users}\nOpen_Ports = tcp/23\n`,
    )
    daemon.kill('SIGHUP')
    await daemon.line(/knockd was replaced since its start.*restart knockd.*keeping the previous config/)

    // What decrypts packets has to load with its door.
    const late = readdirSync(parts).filter((name) => name.startsWith('packet-authenticators-'))
    expect(late).not.toEqual([])
    for (const name of late) expect(readFileSync(join(parts, name), 'utf8'), name).not.toContain('import(')
    await daemon.stop()
  })
})
