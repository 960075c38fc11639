import { DONE, FAILED, NOT_IN_FORCE, UNCHANGED } from '../../cli/exit-code.ts'
import { Failure, failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import type { Config } from '../../config/config.ts'
import { ownerOfSecrets } from '../../file/owner.ts'
import { nearest } from '../../text/nearest.ts'
import type { ChangeArguments } from './arguments.ts'
import { removeFwknop } from './fwknop.ts'
import { closingsOf, effectOf, openingsNow, repliesOf } from './in-force.ts'
import { withMarks, withoutLines, withoutMarks } from './lines.ts'
import { editedFile, openedFile, withFiles } from './opened-file.ts'
import type { EditedFile, OpenedFile } from './opened-file.ts'
import { changedIn, changedText, closingsText, effectText, jsonText, othersText } from './report.ts'
import type { Done } from './report.ts'
import { HERE } from './surroundings.ts'
import type { Surroundings } from './surroundings.ts'
import { sharedFile } from './targets.ts'
import { configOf } from '../config-of.ts'
import { doorsNamed, faultsText, filesOf, listed, withoutUsers } from './users-file.ts'
import type { UsersFile } from './users-file.ts'
import { formatOf, linesOfUser } from './users-format.ts'
import type { FileUser } from './users-format.ts'

/** A change of the lines of a user. */
interface Change {
  readonly done: Done
  /** The message if nothing is to be done, after the name. */
  readonly already: string
  /** Returns the numbers of the lines to change. */
  readonly lines: (file: OpenedFile, name: string) => ReadonlySet<number>
  readonly edit: (bytes: string, lines: ReadonlySet<number>) => string
}

const REMOVE: Change = {
  done: 'removed',
  already: 'is not there',
  lines: (file, name) => new Set([...activeLines(file, name), ...disabledLines(file, name)]),
  edit: withoutLines,
}
const DISABLE: Change = { done: 'disabled', already: 'is disabled already', lines: activeLines, edit: withMarks }
const ENABLE: Change = { done: 'enabled', already: 'is not disabled', lines: disabledLines, edit: withoutMarks }

/** Runs `postern user remove`, and returns the exit code. */
export async function remove(asked: ChangeArguments, output: Output, here: Surroundings = HERE): Promise<number> {
  try {
    const { name } = asked
    const doors = doorsNamed(configOf(asked.config), asked.door)
    const removed = removeFwknop(doors, name)
    const text = removed.map((each) => changedText('removed', name, each)).join('')
    if (removed.length === 0 || filesOf(doors).some((file) => isIn(file, name))) {
      output.err(text)
      return await change(REMOVE, asked, output, here)
    }
    const document = { user: name, changed: true, action: 'removed', knockd: 'none', problems: [], files: removed }
    const closings = { closed: [], kept: [], closing: [], unknown: [] }
    output.out(asked.json ? jsonText({ ...document, ...closings }) : text)
    return DONE
  } catch (error) {
    return failed(error, output)
  }
}

/** Returns true if a user may be in a file: one that cannot be read is looked at again, and told. */
function isIn(file: UsersFile, name: string): boolean {
  try {
    return REMOVE.lines(openedFile(file), name).size > 0
  } catch {
    return true
  }
}

/** Runs `postern user disable`, and returns the exit code. */
export async function disable(asked: ChangeArguments, output: Output, here: Surroundings = HERE): Promise<number> {
  return await change(DISABLE, asked, output, here)
}

/** Runs `postern user enable`, and returns the exit code. */
export async function enable(asked: ChangeArguments, output: Output, here: Surroundings = HERE): Promise<number> {
  return await change(ENABLE, asked, output, here)
}

async function change(how: Change, asked: ChangeArguments, output: Output, here: Surroundings): Promise<number> {
  try {
    const config = configOf(asked.config)
    const { name } = asked
    const files = filesToChange(config, asked.door)
    const askAll = here.asksAll(asked.config, asked.interface.flat())
    const before = await openingsNow(askAll)
    const { edited, opened, doubts } = await withFiles(
      files,
      () => ownerOfSecrets(config.options),
      (all) => ({ opened: all, edited: all.flatMap((file) => changed(how, file, name) ?? []) }),
      here.replace,
    )
    for (const file of opened) {
      if (file.content.faults.length > 0) output.err(`${faultsText(file, file.content.faults)}\n`)
    }
    if (edited.length === 0) return sayUnchanged(how, asked, opened, output)
    const changes = edited.map(({ file }) => changedIn(file, how.lines(file, name)))
    const after = await repliesOf(
      edited.flatMap(({ file }) => file.doors),
      askAll,
    )
    const closings = closingsOf(before, after, name)
    const effect = effectOf(after, name, how.done === 'enabled')
    const said = effectText(effect, config.file)
    if (asked.json) {
      const document = { user: name, changed: true, action: how.done, knockd: effect.state, problems: effect.problems }
      output.out(jsonText({ ...document, files: changes, ...closings }))
    } else {
      output.out(
        `${changes.map((each) => changedText(how.done, name, each)).join('')}${said.out}${closingsText(closings)}`,
      )
      if (how.done !== 'enabled' && asked.door.length === 0) output.out(othersText(config))
    }
    for (const doubt of doubts) output.err(faultText('postern', doubt))
    output.err(said.err)
    return effect.state === 'not in force' ? NOT_IN_FORCE : DONE
  } catch (error) {
    return failed(error, output)
  }
}

/** @throws Failure if a door has no file of users, or shares it with a door that is not named */
function filesToChange(config: Config, names: readonly string[]): readonly UsersFile[] {
  const doors = doorsNamed(config, names)
  const files = filesOf(config.doors).filter((file) => file.doors.some((door) => doors.includes(door)))
  if (names.length === 0) {
    if (files.length === 0) throw new Failure('no door has a file of users')
    return files
  }
  const bare = doors.find(({ secret }) => formatOf(secret) === undefined)
  if (bare !== undefined) throw withoutUsers(bare, config, undefined)
  for (const file of files) {
    const others = file.doors.filter((door) => !doors.includes(door)).map((door) => door.name)
    if (others.length > 0)
      throw sharedFile(
        file.doors.find((door) => doors.includes(door))!,
        others,
        file,
      )
  }
  return files
}

function activeLines({ format, content, text }: OpenedFile, name: string): ReadonlySet<number> {
  return linesOfUser(format, content, text, name)
}

function disabledLines({ content }: OpenedFile, name: string): ReadonlySet<number> {
  return new Set(content.disabled.filter((user) => user.name === name).map(({ line }) => line))
}

/**
 * Returns the file with the change; `undefined`: there is nothing to change.
 *
 * @throws Failure if the change would not do what it is for
 */
function changed(how: Change, file: OpenedFile, name: string): EditedFile | undefined {
  const lines = how.lines(file, name)
  const edited = editedFile(file, how.edit(file.bytes, lines))
  const problem = how.done === 'enabled' ? missing(edited, lines) : remaining(edited, name)
  if (problem === undefined) return lines.size === 0 ? undefined : edited
  throw new Failure(`${faultsText(file, edited.content.faults)}\n${problem}`.trimStart(), 'nothing was changed')
}

/** Returns the reason why the lines of an enabled user would not be in force. */
function missing({ file, content }: EditedFile, lines: ReadonlySet<number>): string | undefined {
  if (lines.size === 0) return undefined
  const isWhole = [...lines].every((line) => content.users.some((user) => user.line === line))
  if (isWhole && content.faults.length === 0) return undefined
  return `${file.path}: correct this first`
}

/** Returns the reason why a user whose lines are gone could still get in. */
function remaining({ file, content }: EditedFile, name: string): string | undefined {
  const own = file.content.users.filter((user) => user.name === name)
  const secrets = new Set(own.map(({ identity }) => identity))
  const nobody: FileUser = { name, line: 0, kind: 'totp', identity: '\n' }
  const heir = content.users.find((user) => user.name === name || secrets.has(user.identity))
  if (heir !== undefined) return `${file.path}:${heir.line}: ${heir.name} would get in with a secret of ${name}`
  if (![nobody, ...own].some((user) => content.isNamedInFaults(user))) return undefined
  return `${file.path}: a faulty line may be that of ${name}, whom the daemon then keeps: correct or delete it first`
}

function sayUnchanged(
  { done, already }: Change,
  { name, json }: ChangeArguments,
  opened: readonly OpenedFile[],
  output: Output,
): number {
  const users = opened.flatMap(({ content }) => [...content.users, ...content.disabled])
  const isKnown = users.some((user) => user.name === name)
  if (json) output.out(jsonText({ user: name, changed: false, action: done }))
  if (isKnown) {
    output.err(faultText('postern', `${name} ${already}`))
    return UNCHANGED
  }
  const meant = nearest(name, new Set(users.map((user) => user.name)))
  const hint = meant === undefined ? 'postern user list shows all' : `did you mean: ${meant}`
  output.err(faultText('postern', `there is no user ${name} in ${listed(opened.map(({ path }) => path))}`, hint))
  // Only for `remove` this is the state that was asked for.
  return done === 'removed' ? UNCHANGED : FAILED
}
