// Goal: a report of a real daemon's log, JSON log, memory and capture has the knocks, scans and refused packets that were sent, and no
// others; and its page is readable in a real browser at three widths, in both colour schemes, without a script or a request.
import { randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TCP } from '../../src/packet/packet.ts'
import { keyPairOf } from '../../src/spa/noise/curve.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { sealClaim } from '../../src/spa/noise/packet.ts'
import { SLOW, sample } from '../slow.ts'
import { faultsOf } from '../schema/schema.ts'
import { HAS_CHROMIUM, axeFindings, openTab, startChromium } from './chromium.ts'
import { asked, postern } from './guarded.ts'
import { program, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, Host, IS_ROOT, SERVER_4, pair } from './net.ts'
import { until } from './process.ts'
import type { Output } from './process.ts'
import { endRecording, record } from './recorded.ts'
import { DOORS, USERS, weekOf } from './report-log.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendDatagrams, sendKnocks } from './service.ts'

/** Where pictures of the page are left, if wanted: they are for people to look at. */
const { PICTURES } = process.env
const LIMIT_MS = 120_000

/** The program, as people start it. */
async function report(host: Host, ...args: readonly string[]): Promise<Output> {
  return await host.run([process.execPath, program('postern'), 'report', ...args], { mayFail: true, limitMs: LIMIT_MS })
}

type Report = Readonly<Record<string, unknown>>

/** A report in this process. */
async function reportOf(...args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await asked(['report', '--json', ...args])
  expect([code, stderr]).toEqual([0, ''])
  const read = JSON.parse(stdout) as Report
  expect(faultsOf(read, 'report')).toEqual([])
  return read
}

/** Doors with a sequence, with users, with one-time sequences, and one that nobody uses; its name is hostile. */
function configOf(log: string, format: 'knockd' | 'json'): string {
  const users = writeConfig('alice 4021,811,3010\nbob 5021,1811,4010\ncarol 6021,1911,4110\n', 'users')
  const list = writeConfig(' 7001,7002,7003\n 7101,7102,7103\n', 'list')
  return `[options]
LogFile = ${log}
LogFormat = ${format}
[ssh]
Users = ${users}
Open_Ports = tcp/22
Open_For = 30s
Seq_Timeout = 1s
[once]
One_Time_Sequences = ${list}
Open_Ports = tcp/80
[<script>alert(1)</script>]
Sequence = 4121,812,3110
Start_Command = false
`
}

/** The packets of {@link meet}, without answers. */
const PACKETS = 18

/** Knocks of two users, one too slow, one with a used sequence, and a scan. */
async function meet(client: Host, line: (pattern: RegExp) => Promise<unknown>): Promise<void> {
  await sendKnocks(client, SERVER_4, ['4021', '811', '3010'])
  await line(/ssh: OPEN SESAME \(alice\)/)
  await sendKnocks(client, SERVER_4, ['7001', '7002', '7003'])
  await line(/once: OPEN SESAME/)
  await sendKnocks(client, SERVER_4, ['5021', '1811'])
  await line(/ssh: sequence timeout \(stage 2\)/)
  await sendKnocks(client, SERVER_4, ['4121', '812', '3110'])
  await line(/non-zero status code \(1\)/)
  await sendKnocks(client, SERVER_4, ['1001', '1002', '1003', '1004', '1005', '1006', '1007'])
  await line(/port scan/)
}

const HOSTILE = '<script>alert(1)</script>'
const MET = {
  whole: true,
  totals: { openings: 3, byHand: 0, withoutUser: 2, scans: 1, starts: 1 },
  users: { rows: [{ name: 'alice', openings: 1, door: 'ssh', source: CLIENT_4 }] },
  scans: { rows: [{ network: '192.0.2.0/24', count: 1, addresses: 1 }] },
  unusedDoors: [],
  absentUsers: ['bob', 'carol'],
  lists: [{ door: 'once', left: 1, low: true }],
}

/** The reasons of failed knocks with their doors, sorted. */
function reasonsIn(read: Report): readonly string[] {
  const { reasons } = read['failures'] as {
    reasons: { rows: readonly { why: string; door?: string; count: number }[] }
  }
  return reasons.rows.map(({ why, door, count }) => `${count} ${why}, ${door ?? '-'}`).sort()
}

/** The same from other places than the log that is written to, and in other forms. */
async function elsewhere(server: Host, daemon: Knockd, log: string, capture: string): Promise<void> {
  // The same from memory, which has the same events, and from the packets.
  const memory = await reportOf('--daemon', '-c', daemon.file)
  expect(memory).toMatchObject(MET)
  const replayed = await reportOf('--capture', capture, '-c', daemon.file)
  expect(replayed).toMatchObject({ totals: { scans: 1 }, users: { rows: [{ name: 'alice' }] } })

  // Rotated and compressed it is read with the new one.
  await server.run(['sh', '-ec', `cp ${log} ${log}.1 && gzip ${log}.1 && mv ${log}.1.gz ${log}.2.gz && : > ${log}`])
  expect(await reportOf('-c', daemon.file)).toMatchObject(MET)

  const text = await report(server, '-c', daemon.file)
  expect(text.stdout).toContain('3 openings')
  expect(text.stdout).toContain(`- The list of one-time sequences of once runs low: 1 sequence left.`)
  expect(text.stdout.split('\n').filter((line) => line.length > 80 && !line.includes('/'))).toEqual([])
  // Others may read nothing of the page.
  const page = scratch('report.html')
  const made = await asked(['report', '--html', page, '-c', daemon.file])
  expect(made).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect(statSync(page).mode & 0o777).toBe(0o600)
  expect(readFileSync(page, 'utf8')).not.toContain('<script')
}

// Each has a network and a daemon of its own.
describe.skipIf(!IS_ROOT).concurrent('a report', () => {
  test.each(['knockd', 'json'] as const)(
    'of a daemon with LogFormat = %s, its rotated log, its memory and a capture',
    async (format) => {
      const { server, client } = await pair()
      const log = scratch('knockd.log')
      const capture = scratch('knocks.pcap')
      const recorder = await record(server, 'eth0', capture)
      const daemon = await startKnockd({ host: server, config: configOf(log, format) })
      await meet(client, async (pattern) => await daemon.process.line(pattern))
      await until('the log', () => readFileSync(log, 'utf8').includes('scan'))
      await endRecording(recorder, PACKETS)

      const read = await reportOf('-c', daemon.file)
      expect(read).toMatchObject(MET)
      const commands = `1 its command returned status 1, ${HOSTILE}`
      expect(reasonsIn(read)).toEqual(expect.arrayContaining([commands, '1 not finished in time, ssh']))
      const { listed } = read['openings'] as {
        listed: readonly { door: string; user?: string; time: string; until?: string }[]
      }
      expect(listed.map(({ door, user }) => [door, user])).toEqual([
        ['ssh', 'alice'],
        ['once', undefined],
        [HOSTILE, undefined],
      ])
      const [first] = listed
      const lasted = Date.parse(first!.until!) - Date.parse(first!.time)
      expect(Math.abs(lasted - 30_000)).toBeLessThan(format === 'json' ? 5_000 : 60_000)

      // What is not read from the log depends on no format of it.
      if (format === 'json' || SLOW) await elsewhere(server, daemon, log, capture)

      // A log whose end was torn off, and one that is gone.
      appendFileSync(log, '\0\0\0\0[2026-')
      renameSync(log, `${log}.gone`)
      expect((await asked(['report', '-c', daemon.file])).code).toBe(1)
      const torn = await reportOf('--log', `${log}.gone`, '-c', scratch('none'))
      expect(torn['notes']).toEqual(expect.arrayContaining([expect.stringMatching(/^1 line could not be read/)]))
    },
  )

  test('of packets that are refused, and doors opened by hand', async () => {
    const { server, client } = await pair()
    const log = scratch('knockd.log')
    const secret = new Uint8Array(32).fill(11)
    const [keys, alice] = [keyPairOf(secret), keyPairOf(new Uint8Array(32).fill(12))]
    const keyFile = writeConfig(`${formatKey('postern-server-secret', secret)}\n`, 'server.key')
    const users = writeConfig(
      `packet-source ports=tcp/22 ${formatKey('postern-user', alice.publicKey)} alice\n`,
      'users',
    )
    const config = `[options]\nLogFile = ${log}\nSPA_Key_File = ${keyFile}\n[ssh]\nSPA = postern\nSPA_Users = ${users}\nOpen_Ports = tcp/22\nOpen_For = 20s\n`
    const daemon = await startKnockd({ host: server, config })
    const send = async (port: number): Promise<void> => {
      const claim = {
        wanted: { kind: 'ports', ports: [{ protocol: TCP, port }] },
        address: undefined,
        openS: 0,
      } as const
      const sealed = sealClaim({
        user: alice,
        server: keys.publicKey,
        claim,
        unixMs: Date.now(),
        random: randomBytes(32),
        withMinute: true,
      })
      if ('fault' in sealed) throw new Error(sealed.fault)
      await sendDatagrams(client, SERVER_4, 62_201, [sealed.packet])
    }
    await send(22)
    await daemon.process.line(/ssh: OPEN SESAME \(alice\)/)
    await send(25)
    await daemon.process.line(/single packet of alice/)
    await postern(server, daemon, 'open', 'ssh', '--source', '192.0.2.99')
    await until('the log', () => readFileSync(log, 'utf8').includes('opened by hand'))
    const read = await reportOf('-c', daemon.file)
    expect(read).toMatchObject({
      totals: { openings: 2, byHand: 1, failures: 1 },
      users: { rows: [{ name: 'alice', openings: 1 }] },
      failures: { reasons: { rows: [{ count: 1, users: ['alice'], sources: [CLIENT_4] }] } },
    })
  })
})

/** A window in which a page is looked at. */
interface View {
  readonly width: number
  readonly scheme: 'light' | 'dark'
}

/** The narrowest one in both colour schemes: no other width depends on these. */
const VIEWS: readonly View[] = [
  { width: 320, scheme: 'light' },
  { width: 320, scheme: 'dark' },
  { width: 768, scheme: 'light' },
  { width: 1440, scheme: 'light' },
  ...(SLOW ? ([768, 1440] as const).map((width) => ({ width, scheme: 'dark' }) as const) : []),
]
const SCANS = SLOW ? 100_000 : 2_000

describe.skipIf(!IS_ROOT || !HAS_CHROMIUM).concurrent('the page in a browser', () => {
  let host: Host
  let browser: Browser
  beforeAll(async () => {
    host = await Host.make('reader')
    browser = await startChromium(host)
  })
  afterAll(async () => await browser.close())

  async function pageFor(log: string, config: string): Promise<string> {
    const file = scratch('report.html')
    expect((await report(host, '--log', log, '--html', file, '-c', config)).code).toBe(0)
    return file
  }

  /** Looks at a page in several windows, and has axe look in the first. */
  async function look(file: string, name: string, views: readonly View[]): Promise<void> {
    const { page, requests, complaints } = await openTab(browser)
    const closed = page.locator('details:not([open])')
    for (const [index, { width, scheme }] of views.entries()) {
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme: scheme })
      if (index === 0) await page.goto(`file://${file}`)
      const picture = async (more: string): Promise<void> => {
        if (PICTURES === undefined) return
        await page.screenshot({ path: join(PICTURES, `report-${name}-${width}-${scheme}${more}.png`), fullPage: true })
      }
      await picture('')
      expect(await page.evaluate(MEASURED)).toEqual({ scrolls: false, overlaps: [], faint: [], tables: true })
      if (index === 0 || SLOW) expect(await axeFindings(page)).toEqual([])
      // Everything is reached by the keyboard, and nothing needs more room when it is open.
      if (index === 0) {
        for (const each of await page.locator('summary').all()) {
          await each.focus()
          await page.keyboard.press('Enter')
        }
      } else await page.evaluate('document.querySelectorAll("details").forEach((each) => (each.open = true))')
      expect(await closed.count()).toBe(0)
      expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0)
      await picture('-open')
      await page.evaluate('document.querySelectorAll("details").forEach((each) => (each.open = false))')
    }
    expect(complaints).toEqual([])
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([`file://${file}`])
    await page.context().close()
  }

  test(`with a busy week: 8 doors, 20 users, ${SCANS} scans`, { timeout: 300_000 }, async () => {
    const log = scratch('week.log')
    writeFileSync(log, [...weekOf(Date.now(), { scans: SCANS, format: 'json' })].join(''))
    const users = writeConfig(
      USERS.map((user, index) => `${user} ${5000 + index},${6000 + index},${7000 + index}\n`).join(''),
      'users',
    )
    const list = writeConfig(' 1001,1002,1003\n 2001,2002,2003\n', 'list')
    const doors = DOORS.map((door, index) =>
      door === 'mail-admin'
        ? `[${door}]\nOne_Time_Sequences = ${list}\n`
        : `[${door}]\nUsers = ${users}\nSequence = ${3000 + index},3100\n`,
    )
    const config = writeConfig(doors.map((door) => `${door}Open_Ports = tcp/22\n`).join(''))
    await look(await pageFor(log, config), 'busy', VIEWS)
  })

  test('with nothing, and with hostile names', { timeout: 300_000 }, async () => {
    const empty = scratch('empty.log')
    writeFileSync(empty, '')
    // Without SLOW where there is the least room, and in the colours that axe does not see of a busy week.
    const views = sample(VIEWS, ({ width, scheme }) => width === 320 && scheme === 'dark')
    await look(await pageFor(empty, scratch('none')), 'empty', views)
    const log = scratch('hostile.log')
    const names = [
      '<script>alert(1)</script>',
      '\u202Egnp.exe',
      '"\'><img src=x onerror=alert(1)>',
      'x'.repeat(127),
      '\u05E9\u05DC\u05D5\u05DD (1)',
      'a\u001B[31mb',
    ]
    writeFileSync(log, [...weekOf(Date.now(), { scans: 200, format: 'json', doors: names, users: names })].join(''))
    await look(await pageFor(log, scratch('none')), 'hostile', views)
  })
})

/**
 * Runs in the page: whether it scrolls sideways; labels of an axis that overlap; texts whose contrast with what is behind them is below
 * 4.5 (WCAG 2.2, 1.4.3); and whether tables are still tables.
 */
const MEASURED = `(() => {
  const root = document.documentElement
  const boxes = [...document.querySelectorAll('svg.axis')].flatMap((axis) => {
    const texts = [...axis.querySelectorAll('text')].map((each) => each.getBoundingClientRect()).filter((box) => box.width > 0)
    const end = axis.getBoundingClientRect().right
    return texts.flatMap((box, index) => (index + 1 < texts.length ? texts[index + 1].left : end + 1) < box.right ? [box.left] : [])
  })
  const colour = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { r, g, b, a } }
  const light = ({ r, g, b }) => [r, g, b].map((each) => each / 255).map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0)
  const behind = (node) => { for (let at = node; at; at = at.parentElement) { const found = colour(getComputedStyle(at).backgroundColor); if (found.a === 1) return found } return { r: 255, g: 255, b: 255 } }
  const faint = new Set()
  for (const node of document.querySelectorAll('body *')) {
    if (![...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim() !== '') || node.getBoundingClientRect().width < 2) continue
    const style = getComputedStyle(node)
    const ink = colour(node.tagName === 'text' ? style.fill : style.color)
    const [high, low] = [light(ink), light(behind(node))].sort((one, other) => other - one)
    if ((high + 0.05) / (low + 0.05) < 4.5) faint.add(node.tagName + '.' + (node.getAttribute('class') || '') + ': ' + node.textContent.slice(0, 20))
  }
  const tables = [...document.querySelectorAll('table')].every((each) => each.querySelector('caption').textContent !== '' && each.getAttribute('role') === 'table')
  return { scrolls: root.scrollWidth > root.clientWidth, overlaps: boxes, faint: [...faint], tables }
})()`
