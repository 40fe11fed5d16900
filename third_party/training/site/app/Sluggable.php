<?php
// SPDX-License-Identifier: MIT
namespace Training;

trait Sluggable
{
    private ?string $slug = null;

    public function slug(): string
    {
        return $this->slug ??= trim(strtolower(preg_replace('~[^\pL\d]+~u', '-', $this->title)), '-');
    }
}
