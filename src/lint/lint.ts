import type { Config, Reading } from '../config/config.ts'
import { readDraft, readingOf } from '../config/read.ts'
import { FaultList } from '../text/fault.ts'
import { warnOfAlwaysAllow } from './allow.ts'
import { CodeDoors } from './code.ts'
import { Fallbacks, warnOfCommands } from './command.ts'
import type { Facts } from './facts.ts'
import { Files } from './file.ts'
import { GuardedKnocks } from './guarded.ts'
import { Overlaps } from './overlap.ts'
import { warnOfPaste } from './paste.ts'
import { placed, toldOfEvents } from './placed-door.ts'
import { warnOfHookRights, warnOfRights } from './privilege.ts'
import { warnOfPrograms } from './program.ts'
import { warnOfKnocks, warnOfSequence } from './sequence.ts'

/**
 * Reads a config, and warns of problems in what is valid. It reports all faults, ordered by place, and never throws.
 *
 * @param file the file's name, for the config and for hints
 * @param facts facts about the machine; absent: the warnings are about the text alone
 */
export function checkConfig(text: string, file: string, facts?: Facts): Reading {
  const faults = new FaultList()
  const draft = readDraft(text, file, faults)
  lint(draft, facts, faults)
  return readingOf(draft, faults)
}

function lint(config: Config, facts: Facts | undefined, faults: FaultList): void {
  const overlaps = new Overlaps(faults)
  const guarded = new GuardedKnocks(faults)
  const fallbacks = new Fallbacks(faults)
  const files = facts && new Files(config.file, facts, faults)
  const codes = facts && new CodeDoors(facts)
  for (const each of config.doors) {
    const door = placed(each, config)
    warnOfSequence(door, facts, faults)
    warnOfKnocks(door, faults)
    if (facts?.program !== undefined) warnOfPrograms(Object.values(door.commands), facts.program, faults)
    guarded.add(door)
    warnOfCommands(door, faults)
    warnOfRights(door, config, faults)
    overlaps.add(door)
    fallbacks.add(door)
    files?.add(door)
    codes?.add(door, faults)
  }
  const told = toldOfEvents(config)
  if (facts?.program !== undefined) warnOfPrograms(told, facts.program, faults)
  for (const command of told) warnOfPaste(command, faults)
  warnOfHookRights(told, config, faults)
  warnOfAlwaysAllow(config, faults)
  codes?.end(config, faults)
  overlaps.end()
  guarded.end(config)
  fallbacks.end()
  files?.end()
}
