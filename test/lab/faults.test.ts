// Goal: a fault of the daemon's own, a promise that is rejected or an exception that is thrown where nobody waits for it, ends
// neither the daemon nor its watch: doors go on opening and closing, and the operator is told.
import { cpSync, existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { knockIn, looks, postern } from './guarded.ts'
import { PROJECT, startKnockd, withStateDir } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import { until } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks, serveTcp } from './service.ts'

/** Faults in every place from which one can come: a promise, a timer, an event of Node's, and what looks at packets. */
const FAULTS = `
process.once('SIGUSR2', () => {
  Promise.reject(new Error('rejected for a test'))
  setTimeout(() => { throw new Error('thrown for a test') }, 10)
  setImmediate(() => new (require('node:events'))().emit('error', new Error('emitted for a test')))
  const wake = Math.min
  let times = 0
  // The daemon takes the lesser of two times for each packet.
  Math.min = (...all) => {
    if (all.length === 2 && all[0] > 1e12 && all[1] > 1e12 && times++ < 3) throw new Error('thrown at a packet for a test')
    return wake(...all)
  }
})
`

const KEY = Buffer.alloc(32, 7).toString('base64')
const HMAC = Buffer.alloc(64, 9).toString('base64')

lab('a fault of the daemon itself', { concurrent: true }, () => {
  test('ends nothing, and is told', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const preload = writeConfig(FAULTS, 'faults.cjs')
    const config = '[options]\nScan_Ports = 0\n[ssh]\nSequence = 7301,822,9403\nOpen_Ports = tcp/22\nOpen_For = 30s\n'
    const daemon = await startKnockd({ host: server, config, env: { NODE_OPTIONS: `--require=${preload}` } })
    expect((await postern(server, daemon, 'status')).stdout).not.toContain('internal error')
    daemon.process.kill('SIGUSR2')
    for (const what of ['rejected', 'emitted', 'thrown']) {
      await daemon.process.line(
        new RegExp(`internal error, please report it: Error: ${what} for a test \\(\\d+-faults\\.cjs:\\d+`),
      )
    }
    // Three packets come to nothing, and none of those after them.
    await sendKnocks(client, SERVER_4, ['1001', '1002', '1003'])
    await daemon.process.line(/Error: thrown at a packet for a test/)
    await knockIn(client, SERVER_4, daemon.process)
    await looks(client, SERVER_4, 22, 'open')
    const { stdout } = await postern(server, daemon, 'status')
    expect(stdout).toMatch(/^ {2}6 internal errors, the last \d+s ago, please report it: Error: /m)
    const found = (await postern(server, daemon, 'doctor')).stdout
    expect(found).toMatch(/^warning: knockd: knockd had 6 internal errors, /m)
    // Nor does a config that cannot be reloaded keep it from ending in good order.
    rmSync(daemon.file)
    daemon.process.kill('SIGHUP')
    await daemon.process.line(/keeping the previous config/)
    expect((await daemon.process.stop()).code).toBe(0)
    expect(daemon.process.lines.at(-1)).toMatch(/shutting down/)
  })

  test('a program that is replaced while it runs goes on as it was', async () => {
    const { server, client } = await pair()
    const program = scratch('program')
    cpSync(join(PROJECT, 'dist'), join(program, 'dist'), { recursive: true })
    cpSync(join(PROJECT, 'package.json'), join(program, 'package.json'))
    symlinkSync(join(PROJECT, 'node_modules'), join(program, 'node_modules'))
    const access = writeConfig(
      `SOURCE ANY\nKEY_BASE64 ${KEY}\nHMAC_KEY_BASE64 ${HMAC}\nENABLE_CMD_EXEC Y\n`,
      'access.conf',
    )
    const config = `[fw]\nSPA = fwknop\nAccess_File = ${access}\nStart_Command = true\n`
    const file = writeConfig(withStateDir(config, scratch('state')))
    const daemon = server.start([process.execPath, join(program, 'dist/bin/knockd.js'), '-v', '-c', file, '-i', 'eth0'])
    await daemon.line(/listening on/)
    rmSync(program, { recursive: true })
    const touched = scratch('touched')
    const home = scratch('home')
    execFileSync('mkdir', [home])
    const keys = ['--key-base64-rijndael', KEY, '--key-base64-hmac', HMAC, '--use-hmac']
    await client.run(
      ['fwknop', '--no-rc-file', '-D', SERVER_4, ...keys, '-a', CLIENT_4, '--server-cmd', `touch ${touched}`],
      { env: { HOME: home } },
    )
    await until('the command', () => existsSync(touched))
    expect((await daemon.stop()).code).toBe(0)
  })
})
