<?php
// SPDX-License-Identifier: MIT
echo "Hello from the training\n";
