import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'

/// Nuxt UI takes Reka's parts from `reka-ui/namespaced`, one module with an object per part: whoever needs its menu gets
/// the calendars too. This gives each part a module of its own, so that a part loads with what uses it.
export function rekaParts(): Plugin {
  const kPrefix = '\0reka-part:'
  let parts: Map<string, string> | undefined

  function read(): Map<string, string> {
    const root = dirname(createRequire(import.meta.url).resolve('reka-ui/package.json'))
    const source = readFileSync(join(root, 'dist/namespaced/index.mjs'), 'utf8')
    return new Map([...source.matchAll(/^const (\w+) = (\{[^]*?^\});?$/gm)].map(([, name, body]) => [name!, body!]))
  }

  return {
    name: 'mainstay-reka-parts',
    enforce: 'pre',
    apply: 'build',
    transform(code, id) {
      if (!id.includes('@nuxt/ui/dist/runtime/') || !code.includes('"reka-ui/namespaced"')) return
      return code.replace(/import \{([^}]+)\} from "reka-ui\/namespaced";?/g, (_all, names: string) =>
        names.split(',').map((name) => {
          const [part, local = part] = name.trim().split(' as ')
          return `import ${local} from "virtual:reka-part:${part}";`
        }).join(' '))
    },
    resolveId: source => source.startsWith('virtual:reka-part:') ? kPrefix + source.slice('virtual:reka-part:'.length) : undefined,
    load(id) {
      if (!id.startsWith(kPrefix)) return
      parts ??= read()
      const body = parts.get(id.slice(kPrefix.length))
      if (!body) this.error(`reka-ui/namespaced has no ${id.slice(kPrefix.length)}`)
      const used = [...new Set([...body.matchAll(/: (\w+)/g)].map(([, name]) => name))]
      return `import { ${used.join(', ')} } from 'reka-ui'\nexport default ${body}`
    },
  }
}
