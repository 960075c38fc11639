#!/usr/bin/env node
import { publisher } from '../publish/publisher.ts'

process.exitCode = await publisher()
