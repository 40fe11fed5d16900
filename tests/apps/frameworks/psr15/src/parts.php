<?php
/* A stream of PHP that reads what a generator yields.
 * SPDX-License-Identifier: MIT */

namespace App;

final class Parts
{
    /** @var resource */
    public $context;
    private \Generator $parts;
    private bool $hasBegun = false;

    /** @return resource */
    public static function open(\Generator $parts)
    {
        if (!in_array('parts', stream_get_wrappers(), true)) {
            stream_wrapper_register('parts', self::class);
        }
        return fopen('parts://', 'r', false, stream_context_create(['parts' => ['from' => $parts]]));
    }

    public function stream_open(string $path, string $mode, int $options, ?string &$opened): bool
    {
        $this->parts = stream_context_get_options($this->context)['parts']['from'];
        return true;
    }

    /** One part for each read; the generator goes on when the next is asked for. */
    public function stream_read(int $count): string
    {
        if ($this->hasBegun) {
            $this->parts->next();
        }
        $this->hasBegun = true;
        return $this->parts->valid() ? $this->parts->current() : '';
    }

    public function stream_eof(): bool
    {
        return $this->hasBegun && !$this->parts->valid();
    }

    public function stream_stat(): array
    {
        return [];
    }
}
