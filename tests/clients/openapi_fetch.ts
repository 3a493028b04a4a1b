// A list and an error, read by openapi-fetch with the types of openapi-typescript.

import createClient from 'openapi-fetch';
import type { components, paths } from './openapi-typescript/api.js';

const client = createClient<paths>({ baseUrl: 'http://127.0.0.1' });

export async function handlesOf(project_id: string): Promise<string[]> {
  const query = { project_id, sort: 'follower_count', order: 'desc' } as const;
  const { data, error } = await client.GET('/api/v1/creators', { params: { query } });
  if (error) throw new Error(`${error.meta.code}: ${error.error}`);
  return data.data.map((creator) => creator.tiktok_handle);
}

export function isActive(creator: components['schemas']['Creator']): boolean {
  return creator.status === 'active';
}
