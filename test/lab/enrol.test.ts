// Goal: one QR code at a time is shown, and a real scanner reads it from the terminal and from the picture; an
// app that ignores parameters is found before anything is written; and nothing of it is left on the terminal, or half done.
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { decodeProfile } from '../../src/publish/client-profile.ts'
import { appsOf } from '../../src/totp/app-code.ts'
import { toBase32 } from '../../src/totp/base32.ts'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import type { TotpSecret } from '../../src/totp/secret.ts'
import { readSecret } from '../../src/totp/secret-text.ts'
import { program } from './knockd.ts'
import { lab, pair } from './net.ts'
import { run } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { scanned, scannedOn } from './shown.ts'
import { Tmux } from './tmux.ts'

const SSH = { columns: 80, rows: 24 }
const POSTERN = `${process.execPath} ${program('postern')}`
const PAGE = 'https://gate.example.org/knock.html'

const terminals: Tmux[] = []
afterEach(async () => {
  for (const each of terminals.splice(0)) await each.close()
})

async function terminal(size = SSH): Promise<Tmux> {
  const { server } = await pair()
  const opened = await Tmux.start({ host: server, ...size, env: { LC_ALL: 'C.UTF-8' } })
  terminals.push(opened)
  return opened
}

/** The code of an app that does what oathtool(1) does. */
async function oath({ key, algorithm, digits, periodS }: TotpSecret, ms = Date.now()): Promise<string> {
  const now = `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
  const words = [`--totp=${algorithm}`, '-d', String(digits), '-s', `${periodS}s`, '-N', now, '-b', toBase32(key)]
  return (await run(['oathtool', ...words])).stdout.trim()
}

function secretIn(text: string): TotpSecret {
  const read = readSecret(text)
  if ('message' in read) throw new Error(read.message)
  return read.value
}

/** Everything that the terminal has kept, also what has scrolled away. */
async function isAsBefore(opened: Tmux, secret: TotpSecret): Promise<string> {
  expect(await opened.format('#{cursor_flag} #{alternate_on} #{wrap_flag}')).toBe('1 0 1')
  const text = await opened.history()
  expect(text).not.toMatch(/otpauth:|[█▀▄]/)
  expect(text.replaceAll('\n', '')).not.toContain(toBase32(secret.key))
  return text
}

lab('enrolment', () => {
  test('keygen totp, 80 by 24: an app that ignores digits and algorithm is found, and the secret written as it has it', async () => {
    const opened = await terminal()
    const file = scratch('secret')
    const asked = '--algorithm SHA256 --issuer gate.example.org'
    await opened.line(`${POSTERN} keygen totp ssh --file ${file} ${asked}; echo "ended: $?"`)
    await opened.shows(/code that the/)
    const secret = secretIn(await scannedOn(opened))
    expect(secret).toMatchObject({ algorithm: 'SHA256', digits: 8, periodS: 30 })
    const asApp = { ...secret, algorithm: 'SHA1', digits: 6 } as const
    await opened.line('12345678')
    await opened.shows(/not a code of/)
    expect(existsSync(file)).toBe(false)
    const code = await oath(asApp)
    await opened.line(`${code.slice(0, 3)} ${code.slice(3)}`)
    const sequence = await opened.shows(/Sequence = \d+,\d+,\d+,\d+/)
    expect(sequence).toMatch(/8 weeks[^]*15 years/)
    expect(existsSync(file)).toBe(false)
    await opened.press('Enter')
    await opened.shows(/ended: 0/)
    expect(secretIn(readFileSync(file, 'utf8'))).toEqual(asApp)
    const text = await isAsBefore(opened, secret)
    expect(text).toMatch(/the app ignores digits=8 \(it has 6\), algorithm=SHA256 \(it has SHA1\)/)
    expect(text).toContain(`TOTP_Secret_File = ${file}`)
    expect(text).not.toContain(code)
  })

  test('a terminal without another screen keeps nothing of it either', async () => {
    const opened = await terminal()
    await opened.withoutOtherScreen()
    const file = scratch('secret')
    await opened.line(`${POSTERN} keygen totp ssh --file ${file} --issuer gate.example.org; echo "ended: $?"`)
    await opened.shows(/code that the/)
    const secret = secretIn(await scannedOn(opened))
    await opened.press('t')
    await opened.shows(/otpauth:/)
    await opened.press('t')
    await opened.shows(/t: as text/)
    await opened.press('Enter')
    await opened.shows(/ended: 0/)
    await isAsBefore(opened, secret)
  })

  test('user add: the code of the app, then the link, each alone; then the user is in the file, and nothing on the screen', async () => {
    const opened = await terminal()
    const users = scratch('users')
    const config = writeConfig(`[ssh]\nSequence = 7431,8020,9123\nUsers = ${users}\nOpen_Ports = tcp/22\n`)
    const image = join(scratch('.'), '..', 'alice.svg')
    const options = `--issuer gate.example.org --page ${PAGE} --image ${image} -c ${config}`
    await opened.line(`${POSTERN} user add alice ${options}; echo "ended: $?"`)
    await opened.shows(/code that the/)
    const secret = secretIn(await scannedOn(opened))
    await opened.line(await oath(secret, Date.now() + 30_000))
    await opened.shows(/for the camera of/)
    const link = await scannedOn(opened)
    expect(link.startsWith(`${PAGE}#`)).toBe(true)
    const means = { kind: 'codes', secret, before: [7431, 8020, 9123].map((port) => ({ protocol: 6, port })) }
    expect(decodeProfile(link.slice(PAGE.length + 1))).toEqual({
      value: { host: 'gate.example.org', service: 22, door: 'ssh', user: 'alice', means },
    })
    expect(existsSync(users)).toBe(false)
    await opened.press('Enter')
    await opened.shows(/ended: 0/)
    const [, uri = ''] = readFileSync(users, 'utf8').trimEnd().split(' ')
    expect(secretIn(uri)).toEqual(secret)
    expect(await isAsBefore(opened, secret)).toMatch(
      /the clock of the phone is ahead of this machine's by \d+ to \d+ s/,
    )
    for (const [name, content] of [
      ['app', secret],
      ['page', link],
    ] as const) {
      const svg = image.replace('.svg', `-${name}.svg`)
      expect(statSync(svg).mode & 0o777).toBe(0o600)
      const png = scratch('drawn.png')
      await run(['rsvg-convert', '-o', png, svg])
      const [text = '', ...more] = await scanned(png)
      expect([more, typeof content === 'string' ? text : secretIn(text)]).toEqual([[], content])
    }
  })

  test('stopped half way, or wrong three times: no file, and the terminal as it was', async () => {
    const opened = await terminal()
    const folder = scratch('folder')
    await run(['mkdir', '-m', '700', folder])
    const config = join(folder, 'knockd.conf')
    writeFileSync(config, `[ssh]\nUsers = ${folder}/users\nOpen_Ports = tcp/22\n`, { mode: 0o600 })
    const add = `${POSTERN} user add alice --page ${PAGE} --image ${folder}/a.png -c ${config}; echo "ended: $?"`
    await opened.line(add)
    await opened.shows(/code that the/)
    const secret = secretIn(await scannedOn(opened))
    expect(readdirSync(folder).toSorted()).toEqual(['a-app.png', 'a-page.png', 'knockd.conf'])
    expect(await scanned(join(folder, 'a-app.png'))).toHaveLength(1)
    await opened.press('Enter')
    await opened.shows(/for the camera of/)
    await opened.press('C-c')
    await opened.shows(/stopped: nothing was written\nended: 1/)
    expect(readdirSync(folder)).toEqual(['knockd.conf'])
    await isAsBefore(opened, secret)

    await opened.line('clear')
    await opened.line(add)
    await opened.shows(/code that the/)
    const pid = await opened.pid()
    process.kill(pid, 'SIGTERM')
    await opened.shows(/stopped: nothing was written\nended: 1/)
    expect(readdirSync(folder)).toEqual(['knockd.conf'])

    await opened.line('clear')
    await opened.line(add)
    await opened.shows(/code that the/)
    const other = secretIn(await scannedOn(opened))
    await opened.line('00000000')
    await opened.shows(/is not a code of[^]*app shows: _/)
    await opened.line('1')
    await opened.shows(/1 is not a code: a[^]*app shows: _/)
    await opened.line('999999')
    const text = await opened.shows(/ended: 1/)
    expect(text).toMatch(/nothing was written\n +check the clocks/)
    expect(text).not.toContain(codeOf(other, periodAt(other, Date.now())))
    expect(readdirSync(folder)).toEqual(['knockd.conf'])
    await isAsBefore(opened, other)
  })

  test('what fwknop scans, 80 by 24: its keys are in the stanza of a file of its own', async () => {
    const opened = await terminal()
    const folder = scratch('folder')
    await run(['mkdir', '-m', '700', folder])
    const [config, access] = [join(folder, 'knockd.conf'), join(folder, 'access.conf')]
    writeFileSync(config, `[ssh]\nSPA = fwknop\nAccess_File = ${access}\nOpen_Ports = tcp/22\n`, { mode: 0o600 })
    writeFileSync(access, `%include_folder ${folder}/people\n`, { mode: 0o600 })
    await opened.line(`${POSTERN} user add alice --door ssh -c ${config}; echo "ended: $?"`)
    await opened.shows(/Enter: go on/)
    const scan = await scannedOn(opened)
    expect(scan).toMatch(/^KEY_BASE64:[\w+/]{43}= HMAC_KEY_BASE64:[\w+/]{43}=$/)
    expect(readdirSync(folder).toSorted()).toEqual(['access.conf', 'knockd.conf'])
    await opened.press('Enter')
    await opened.shows(/ended: 0/)
    const stanza = readFileSync(join(folder, 'people/alice.conf'), 'utf8')
    expect(stanza.split('\n').slice(2, 4).join(' ')).toBe(scan.replaceAll(':', ' '))
    expect(await opened.history()).not.toMatch(/KEY_BASE64|[█▀▄]/)
  })

  test('a window that is too small is told, and a larger one shows the code', async () => {
    const opened = await terminal({ columns: 60, rows: 18 })
    const file = scratch('secret')
    await opened.line(`${POSTERN} keygen totp ssh --file ${file} --issuer gate.example.org; echo "ended: $?"`)
    await opened.shows(/needs a window of \d+ x\s\d+[^]*--image FILE/)
    await opened.press('t')
    await opened.shows(/otpauth:\/\/totp\//)
    await opened.press('t')
    await opened.resize(SSH.columns, SSH.rows)
    await opened.shows(/▄▄▄▄▄▄▄/)
    const secret = secretIn(await scannedOn(opened))
    await opened.press('Enter')
    await opened.shows(/ended: 0/)
    expect(secretIn(readFileSync(file, 'utf8'))).toEqual(secret)
    await isAsBefore(opened, secret)
  })

  test('into a pipe all is text, and nothing is asked; a PNG is read, and none that is there is overwritten', async () => {
    const folder = scratch('folder')
    await run(['mkdir', folder])
    const [file, image] = [join(folder, 'secret'), join(folder, 'ssh.png')]
    const argv = [process.execPath, program('postern'), 'keygen', 'totp', 'ssh', '--file', file, '--image', image]
    const { stdout } = await run(argv)
    const [, uri = ''] = /^ {4}(otpauth:\S+)$/m.exec(stdout) ?? []
    expect(readFileSync(file, 'utf8')).toContain(`\n${uri}\n`)
    expect(statSync(image).mode & 0o777).toBe(0o600)
    expect((await scanned(image)).map(secretIn)).toEqual([secretIn(uri)])
    const again = await run([...argv.slice(0, 5), '--file', `${file}2`, '--image', image], { mayFail: true })
    expect([again.code, again.stdout]).toEqual([1, ''])
    expect(again.stderr).toMatch(/ssh\.png: file already exists\n {2}a picture is never overwritten/)
    expect(readdirSync(folder).toSorted()).toEqual(['secret', 'ssh.png'])
  })

  test('oathtool shows the code of every app', async () => {
    for (const [algorithm, bytes] of [
      ['SHA1', 20],
      ['SHA256', 32],
      ['SHA512', 64],
    ] as const) {
      const secret: TotpSecret = {
        key: new Uint8Array(bytes).map((_, at) => at * 7),
        algorithm,
        digits: 8,
        periodS: 60,
      }
      for (const { secret: asApp } of appsOf(secret)) {
        const now = 1_700_000_000_000
        expect(await oath(asApp, now)).toBe(codeOf(asApp, periodAt(asApp, now)))
      }
    }
  })
})
