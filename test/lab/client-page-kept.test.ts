// Goal: what a page keeps stays with its owner: nothing of it is left in fields, addresses, history or other tabs, whatever
// happens meanwhile; no link, name or header makes it do what nobody asked for; and it works as a file.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { HAS_CHROMIUM, openTab } from './chromium.ts'
import {
  ClientPages,
  KEY,
  LIMIT_MS,
  NAME,
  PASSPHRASE,
  PHONE,
  addAuthenticator,
  link,
  look,
  see,
  unlock,
} from './client-page.ts'
import { CLIENT_4, IS_ROOT } from './net.ts'
import { HAS_NGINX } from './nginx.ts'
import { until } from './process.ts'
import { scratch } from './scratch.ts'

/** Hostile links that are tried. */
const LINKS = SLOW ? 60 : 21

const stored = async (page: Page): Promise<string> => await page.evaluate('JSON.stringify({ ...localStorage })')
/** Everything that was typed into the page, or pasted. */
const typed = async (page: Page): Promise<string> =>
  await page.evaluate('[...document.querySelectorAll("input:not([readonly])")].map(({ value }) => value).join("")')

describe.skipIf(!IS_ROOT || !HAS_NGINX || !HAS_CHROMIUM)('a page as a client keeps', () => {
  const pages = new ClientPages()

  test(
    'a secret as a file: by a new passphrase typed to its end, which is left in no field, and knocks',
    { timeout: LIMIT_MS },
    async () => {
      const { daemon, make, makeCheap } = await pages.codes()
      const folder = scratch('files')
      mkdirSync(folder)
      const [empty, own] = [join(folder, 'empty.html'), join(folder, 'own #1.html')]
      copyFileSync(await make(), empty)
      copyFileSync(await makeCheap(), own)
      const { page, requests, complaints } = await openTab(pages.site.browser, PHONE)
      await page.goto(`file://${empty}#${link('http').split('#')[1]}`)
      await see(page, '#protect', /secret of alice/)
      expect(page.url()).toBe(`file://${empty}`)
      await see(page, '#protect-history', /own history/)
      await page.fill('#fresh', PASSPHRASE)
      await page.fill('#again', `${PASSPHRASE}.`)
      await page.press('#again', 'Enter')
      expect(await stored(page)).toBe('{}')
      await page.fill('#again', PASSPHRASE)
      await page.press('#again', 'Enter')
      await see(page, '#client', /Code of the moment/)
      expect(await typed(page)).toBe('')
      const record = await stored(page)
      expect(record).toMatch(/postern-sealed-1/)
      expect(record).not.toContain(KEY)
      await page.click('#knock')
      expect(await daemon.line(/OPEN/)).toMatch(`${CLIENT_4}: ssh: OPEN SESAME`)
      // Another file has a record of its own, and its own secret is not stored.
      await page.goto(`file://${encodeURI(own).replace('#', '%23')}`)
      await unlock(page, PASSPHRASE)
      await see(page, '#client', /Code of the moment/)
      expect(await typed(page)).toBe('')
      expect(await page.isHidden('#insecure')).toBe(true)
      await page.goto(`file://${empty}`)
      await see(page, '#lock', /Passphrase/)
      await page.click('#remove-locked')
      await see(page, '#remove-locked', /for good/)
      await page.click('#remove-locked')
      await see(page, '#empty', /No secret yet/)
      expect(await stored(page)).not.toMatch(/sealed/)
      expect(requests.filter((url) => !/^(file|data):/.test(url) && !url.startsWith(`http://${NAME}:`))).toEqual([])
      expect(complaints.filter((line) => !/ERR_/.test(line))).toEqual([])
    },
  )

  test('its secret across tabs, times, and hostile addresses', { timeout: LIMIT_MS }, async () => {
    const { make } = await pages.codes()
    await make()
    const { page, requests, complaints } = await openTab(pages.site.browser, PHONE)
    await page.clock.install()
    await addAuthenticator(page)
    // A path that could be read as a host, and a page before it in the history.
    await page.goto('about:blank')
    await page.goto(link('https').replace('/ssh.html', '//ssh.html'))
    await see(page, '#protect', /secret of alice/)
    expect(page.url()).toBe(`https://${NAME}//ssh.html`)
    await page.goto(link('https'))
    await page.click('#protect-passkey')
    await see(page, '#client', /Code of the moment/)
    const record = await stored(page)
    expect(record).not.toContain(KEY)
    await page.goto(`https://${NAME}/ssh.html?a`)
    await page.goBack()
    await see(page, '#lock', /Locked/)
    expect(page.url()).toBe(`https://${NAME}/ssh.html`)
    // It locks by itself, in the background sooner.
    const open = async (): Promise<void> => {
      await page.click('#passkey-open')
      await see(page, '#client', /Code of the moment/)
    }
    await open()
    await page.clock.fastForward('11:00')
    await see(page, '#status', /Locked after a time without use/)
    await open()
    await page.evaluate(`Object.defineProperty(document, 'hidden', { value: true, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))`)
    await page.clock.fastForward('03:01')
    await see(page, '#status', /Locked/)
    expect(await page.textContent('#code')).toBe('')
    await page.evaluate('delete document.hidden')
    // Hostile links, at random and nearly right, change nothing.
    const good = link('https').split('#')[1]!
    for (let count = 0; count < LINKS; count++) {
      const at = Math.floor((good.length * count) / LINKS)
      const byte = ['%00', '<', '&', '=', '%F0%9F', '\u202E', '\'"><img src=x onerror=alert(1)>'][count % 7]!
      const bad = `${good.slice(0, at)}${byte}${good.slice(at + 1)}`
      await page.evaluate(`location.hash = ${JSON.stringify(bad)}`)
      await until('the link taken', () => page.url() === `https://${NAME}/ssh.html`)
    }
    expect([await stored(page), await page.locator('img').count()]).toEqual([record, 0])
    // What another tab does is seen.
    await page.evaluate(`location.hash = ${JSON.stringify(good)}`)
    await see(page, '#replace-part', /Keep mine/)
    await page.click('#keep-old')
    await open()
    const other = await page.context().newPage()
    await other.goto(`https://${NAME}/ssh.html`)
    await other.click('#remove-locked')
    await see(other, '#remove-locked', /for good/)
    await other.click('#remove-locked')
    await see(other, '#empty', /No secret yet/)
    await see(page, '#status', /changed in another tab/)
    await see(page, '#empty', /No secret yet/)
    await other.close()
    // The worker has the page's own files alone.
    await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    writeFileSync(join(pages.site.web.folder, 'ssh.html.txt'), 'not of the app')
    expect(await page.evaluate(`fetch('ssh.html.txt').then((answer) => answer.text())`)).toBe('not of the app')
    expect(await page.evaluate('navigator.serviceWorker.ready.then(({ scope }) => scope)')).toBe(
      `https://${NAME}/ssh.html`,
    )
    const elsewhere = `fetch('https://192.0.2.66/').then(() => 'sent', ({ name }) => name)`
    expect(await page.evaluate(elsewhere)).toBe('TypeError')
    expect(complaints.join('\n')).toMatch(/Content Security Policy/)
    expect(requests.filter((url) => !url.startsWith(`https://${NAME}`) && !/^(data|about|blob):/.test(url))).toEqual([])
  })

  test('beside the passphrase of a page, a passkey from now on', { timeout: LIMIT_MS }, async () => {
    const { makeCheap } = await pages.codes()
    await makeCheap()
    const { page } = await openTab(pages.site.browser, PHONE)
    await addAuthenticator(page)
    await page.goto(`https://${NAME}/ssh.html#${link('https').split('#')[1]}`)
    await see(page, '#trouble', /has its secret already/)
    expect(page.url()).toBe(`https://${NAME}/ssh.html`)
    await unlock(page, PASSPHRASE)
    await see(page, '#client', /Code of the moment/)
    expect(await page.isHidden('#remove')).toBe(true)
    await page.click('#passkey-add')
    await see(page, '#status', /From now on a passkey/)
    await look(page, 'passkey-added', SLOW)
    expect(await stored(page)).not.toContain(KEY)
    await page.reload()
    await page.click('#passkey-open')
    await see(page, '#client', /Code of the moment/)
    await page.click('#forget')
    await unlock(page, PASSPHRASE)
    await see(page, '#client', /Code of the moment/)
  })
})
