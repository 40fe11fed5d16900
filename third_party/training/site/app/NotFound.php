<?php
// SPDX-License-Identifier: MIT
namespace Training;

class NotFound extends \RuntimeException
{
    public function __construct(string $path, ?\Throwable $previous = null)
    {
        parent::__construct(sprintf('nothing at %s', $path), 404, $previous);
    }
}
