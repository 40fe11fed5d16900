<?php
// SPDX-License-Identifier: MIT
declare(strict_types=1);
namespace Training;

final class Store
{
    public function find(int $id): ?Article
    {
        return $id < 1 || $id > 500 ? null : new Article(['id' => (string) $id, 'title' => "article number $id", 'price' => $id * 1.5, 'public' => $id & 1,
            'tags' => ['a', "t$id"], 'state' => ['draft', 'open', 'closed'][$id % 3]]);
    }

    /** @return \Generator<int, Article> */
    public function each(int $limit): \Generator
    {
        for ($id = 1; $id <= $limit; $id++) {
            yield $id => $this->find($id);
        }
    }
}
