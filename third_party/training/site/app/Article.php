<?php
// SPDX-License-Identifier: MIT
declare(strict_types=1);
namespace Training;

/** @property int $id */
final class Article extends Model
{
    use Sluggable;

    protected static array $casts = ['id' => 'int', 'price' => 'float', 'public' => 'bool', 'tags' => 'list'];

    protected function getTitle(?string $title): string
    {
        return ucwords($title ?? 'untitled');
    }
}
