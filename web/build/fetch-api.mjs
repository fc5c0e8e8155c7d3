// Fetches the document of a running server, so that the app's types come from it:
//   npm run api:fetch -- http://127.0.0.1:8080
import { writeFile } from 'node:fs/promises'

const base = process.argv[2] ?? 'http://127.0.0.1:8080'
const response = await fetch(new URL('/api/openapi.json', base))
if (!response.ok) throw new Error(`${response.url}: ${response.status}`)
await writeFile(new URL('../src/api/openapi.json', import.meta.url), `${JSON.stringify(await response.json(), null, 1)}\n`)
