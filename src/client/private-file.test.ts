// Goal: a secret is read only if nobody else could have read it. Nothing is read past its bound, and nothing is waited
// for.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ClientError } from './fault.ts'
import { readPrivate, readRegular } from './private-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-client-'))
afterAll(() => rmSync(folder, { recursive: true }))

const fileOf = (name: string, text: string, mode: number): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

test.each([0o600, 0o400, 0o700])('a file of mode %o is its owner’s', async (mode) => {
  expect((await readPrivate(fileOf('own', 'secret', mode), 100)).toString()).toBe('secret')
})

test.each([0o640, 0o620, 0o604, 0o602, 0o644, 0o666, 0o610, 0o601])('one of mode %o is not', async (mode) => {
  const path = fileOf('others', 'secret', mode)
  const error = await readPrivate(path, 100).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ClientError)
  expect(error).toMatchObject({
    message: `${path}: others than its owner can read or write it (mode ${mode.toString(8).padStart(4, '0')})`,
    hint: `chmod 600 ${path}`,
  })
  // That is nothing to a file without a secret in it.
  expect((await readRegular(path, 100)).toString()).toBe('secret')
})

test('it is the file behind a symbolic link that counts', async () => {
  const link = join(folder, 'link')
  symlinkSync(fileOf('target', 'secret', 0o644), link)
  await expect(readPrivate(link, 100)).rejects.toThrow('others than its owner')
})

test('the bound is the largest that is read', async () => {
  const path = fileOf('size', 'x'.repeat(100), 0o600)
  expect(await readPrivate(path, 100)).toHaveLength(100)
  await expect(readPrivate(path, 99)).rejects.toThrow(`${path}: is too large`)
  expect(await readPrivate(fileOf('empty', '', 0o600), 99)).toHaveLength(0)
})

test('what is not a regular file is refused, and a pipe that nobody writes to not waited for', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', ['-m', '600', pipe])
  await expect(readPrivate(pipe, 100)).rejects.toThrow(`${pipe}: is not a regular file`)
  await expect(readRegular(folder, 100)).rejects.toThrow(`${folder}: is not a regular file`)
  await expect(readRegular('/dev/zero', 100)).rejects.toThrow('/dev/zero: is not a regular file')
  await expect(readPrivate(join(folder, 'none'), 100)).rejects.toThrow(`${join(folder, 'none')}: no such file`)
})
