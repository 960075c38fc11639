// Goal: whoever has a phone gets in by the page as a client: a real Chromium holds a user's secret, encrypted, and knocks the codes
// that it computes; the real daemon opens. It asks nobody else, works without its web server, and says what it cannot do.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import { SLOW } from '../slow.ts'
import { HAS_CHROMIUM, openTab } from './chromium.ts'
import {
  ClientPages,
  KEY,
  LIMIT_MS,
  NAME,
  PASSPHRASE,
  PHONE,
  SECRET,
  SERVICE,
  addAuthenticator,
  cheapPage,
  codesNow,
  link,
  look,
  see,
  shown,
  tabTo,
  unlock,
} from './client-page.ts'
import { startKnockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, IS_ROOT, SERVER_6 } from './net.ts'
import { sendKnocks } from './service.ts'
import { HAS_NGINX } from './nginx.ts'
import { until } from './process.ts'
import { scratch } from './scratch.ts'

/** A secret whose periods are short, where a test waits for the next one. */
const BRIEF = { ...SECRET, periodS: 10 }

const isOwn = (url: string): boolean => url.startsWith('data:') || new RegExp(`^https?://${NAME}(:[0-9]+)?/`).test(url)
/** A knock is a connection that fails, which browsers tell in the console. */
const isKnock = (text: string): boolean =>
  /ERR_(CONNECTION_REFUSED|ABORTED|CONNECTION_TIMED_OUT|SSL_PROTOCOL_ERROR)/.test(text)

describe.skipIf(!IS_ROOT || !HAS_NGINX || !HAS_CHROMIUM)('the page as a client', () => {
  const pages = new ClientPages()

  test(
    'over http, with the secret in it: a wrong passphrase, a code by keyboard alone, and the code used up after a reload',
    async () => {
      const { daemon, make, makeCheap } = await pages.codes()
      // page.test.ts opens what is stretched as long as it should be.
      if (SLOW) await make('--user', 'alice', '--mode', '644')
      else await makeCheap()
      const { page, requests, complaints } = await openTab(pages.site.browser, PHONE)
      await page.goto(`http://${NAME}/ssh.html`)
      await see(page, '#insecure', /plain http/)
      await look(page, 'locked', SLOW)
      await tabTo(page, 'key')
      await page.keyboard.type(PASSPHRASE)
      await page.keyboard.press('Enter')
      await see(page, '#client', /Code of the moment/)
      expect(codesNow()).toContain(await shown(page))
      await look(page, 'open', SLOW)
      await tabTo(page, 'knock')
      await page.keyboard.press('Enter')
      expect(await daemon.line(/OPEN/)).toMatch(`${CLIENT_4}: ssh: OPEN SESAME`)
      await see(page, '#status', new RegExp(`Port ${SERVICE} is open`))
      await look(page, 'knocked', SLOW)
      const [before, text] = [await shown(page), await page.content()]
      expect(text).not.toContain(KEY)
      await page.click('#by-hand summary')
      await see(page, '#commands', /telnet/)
      await look(page, 'by-hand')
      await page.click('#forget')
      expect(await page.textContent('#client')).not.toContain(before.slice(0, 4))
      await makeCheap()
      await page.reload()
      await unlock(page, 'wrong horse')
      await see(page, '#trouble', /passphrase does not open/)
      await look(page, 'wrong')
      await unlock(page, PASSPHRASE)
      await see(page, '#client', /Code of the moment/)
      // The same code is not offered again; the next one is.
      if ((await shown(page)) === before) await see(page, '#knock', /next code/)
      expect(requests.filter((url) => !isOwn(url))).toEqual([])
      expect(complaints.filter((line) => !isKnock(line))).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'over https, by a link: a passkey, a clock that is off, hostile links, and no web server at all',
    async () => {
      const { web } = pages.site
      const { daemon, make } = await pages.codes()
      await make()
      const { page, requests, complaints } = await openTab(pages.site.browser, PHONE)
      await addAuthenticator(page)
      await page.goto(`https://${NAME}/ssh.html`)
      await see(page, '#empty', /No secret yet/)
      await look(page, 'empty')
      await page.fill('#link', link('https'))
      await page.press('#link', 'Enter')
      await see(page, '#protect', /secret of alice opens ssh at gate\.example\.org/)
      expect(await page.isHidden('#protect-history')).toBe(true)
      await page.fill('#fresh', 'short')
      await look(page, 'protect')
      await page.goto('about:blank')
      await page.goto(link('https'))
      await see(page, '#protect', /Use a passkey/)
      expect(page.url()).toBe(`https://${NAME}/ssh.html`)
      await page.click('#protect-passkey')
      await see(page, '#client', /Code of the moment/)
      expect(await page.evaluate('JSON.stringify({ ...localStorage }) + document.title')).not.toContain(KEY)
      // A hostile link, by whatever way, changes nothing by itself.
      const stored = await page.evaluate('JSON.stringify({ ...localStorage })')
      for (const bad of [
        'v=1&h=evil.example&d=ssh&k=sequence&q=1,2',
        '<script>alert(1)</script>',
        'x'.repeat(100_000),
      ]) {
        await page.evaluate(`location.hash = ${JSON.stringify(bad)}`)
        await see(page, '#trouble', /This link/)
        expect(page.url()).toBe(`https://${NAME}/ssh.html`)
      }
      await page.evaluate(`location.hash = ${JSON.stringify(link('https').split('#')[1])}`)
      await see(page, '#replace-part', /Keep mine/)
      await look(page, 'replace')
      await page.click('#keep-old')
      expect(await page.evaluate('JSON.stringify({ ...localStorage })')).toBe(stored)
      // A clock that is a minute slow.
      await page.addInitScript('{ const now = Date.now; Date.now = () => now() - 60_000 }')
      await page.reload()
      await look(page, 'locked-passkey')
      await page.click('#passkey-open')
      await see(page, '#clock-note', /clock is (59|60|61) seconds slow/)
      expect(codesNow()).not.toContain(await shown(page))
      await look(page, 'clock')
      await page.click('#clock-use')
      await until('the right code', async () => codesNow().includes(await shown(page)))
      // The web server is gone; the app is still there, and its clock is this device's again.
      await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
      await web.process.stop()
      await page.reload()
      await page.click('#passkey-open')
      await see(page, '#client', /Code of the moment/)
      await look(page, 'offline', SLOW)
      expect(requests.filter((url) => !isOwn(url) && url !== 'about:blank')).toEqual([])
      expect(complaints.filter((line) => !isKnock(line) && !/ERR_(FAILED|INTERNET)/.test(line))).toEqual([])
      await page.addInitScript('{ const now = Date.now; Date.now = () => now() + 60_000 }')
      await page.reload()
      await page.click('#passkey-open')
      await see(page, '#client', /Code of the moment/)
      await page.click('#knock')
      expect(await daemon.line(/OPEN/)).toMatch(`${CLIENT_4}: ssh: OPEN SESAME`)
    },
    LIMIT_MS,
  )

  test(
    'where a firewall drops all knocks and somebody has used the code: it sees that, and knocks the next one by itself',
    async () => {
      const { server, client } = pages.site
      const { daemon, makeCheap } = await pages.codes(BRIEF)
      const drop =
        'add table inet t; add chain inet t in { type filter hook input priority 0; }; add rule inet t in tcp dport { 7431, 10000-29999 } drop'
      await server.run(['nft', drop])
      await makeCheap()
      const { page } = await openTab(pages.site.browser)
      await page.goto(`http://${NAME}/ssh.html`)
      await unlock(page, PASSPHRASE)
      await see(page, '#client', /Code of the moment/)
      const [first, second] = await untilGood(page)
      await sendKnocks(client, SERVER_6, ['7431', first, second])
      expect(await daemon.line(/OPEN/)).toMatch(`${CLIENT_6}: ssh: OPEN SESAME`)
      await page.click('#knock')
      await see(page, '#status', /stays shut. The page knocks once more|Waiting for the next code/)
      await look(page, 'waiting', SLOW)
      expect(await daemon.line(/OPEN/)).toMatch(`${CLIENT_4}: ssh: OPEN SESAME`)
      await see(page, '#status', new RegExp(`Port ${SERVICE} is open`))
    },
    LIMIT_MS,
  )

  test(
    'holds the identity of a published list, and knocks what the door waits for',
    async () => {
      const { server, passphrase } = pages.site
      const { folder } = pages.site.web
      const identity = scratch('identity')
      await server.run(['age-keygen', '-o', identity])
      const recipient = (await server.run(['age-keygen', '-y', identity])).stdout.trim()
      const config = `[ssh]\nOne_Time_Sequences = generate\nPublish_To = ${folder}\nPublish_For = ${recipient}\nPublish_Host = ${NAME}\nStart_Command = true\n`
      const { process: daemon, file } = await startKnockd({ host: server, config })
      pages.running = daemon
      await until('the list', () => existsSync(join(folder, 'ssh.age')))
      const shared = { config: file, door: 'ssh', host: undefined, 'passphrase-file': passphrase }
      await cheapPage({ ...shared, identity, file: join(folder, 'alice.html') })
      const { page } = await openTab(pages.site.browser, PHONE)
      await page.goto(`http://${NAME}/alice.html`)
      await unlock(page, PASSPHRASE)
      await see(page, '#left', /^20$/)
      await look(page, 'list')
      for (let count = 0; count < 2; count++) {
        const list = readFileSync(join(folder, 'ssh.age'))
        await page.click('#knock')
        expect(await daemon.line(/OPEN/)).toMatch(`${CLIENT_4}: ssh: OPEN SESAME`)
        await see(page, '#status', /Knocked/)
        await until('the next list', () => !readFileSync(join(folder, 'ssh.age')).equals(list))
      }
    },
    LIMIT_MS,
  )
})

/** Waits until a period has just begun and the page shows its code, so that somebody uses that one first. */
async function untilGood(page: Page): Promise<readonly [string, string]> {
  await until('a fresh code', async () => {
    const current = codeOf(BRIEF, periodAt(BRIEF, Date.now()))
    return Date.now() % (BRIEF.periodS * 1_000) < 3_000 && (await shown(page)) === current
  })
  const ports = await page.locator('#ports b').allTextContents()
  return [ports[1]!, ports[2]!]
}
